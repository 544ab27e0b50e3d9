"""The optimiser and the annealer that recipes name."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from inkdigits.training.recipe import Plateau, RMSprop

# A step count so large that Adam's bias corrections are exactly 1 in float32.
_SETTLED = 1_000_000.0


def build_optimiser(settings: RMSprop, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Build RMSprop with one fused sweep over the weights.

    RMSprop is Adam without a first moment (beta1 = 0) and without bias correction: v = ρv +
    (1 − ρ)g², w = w − lr·g / (√v + ε). torch fuses Adam on the CPU but not RMSprop; started at a
    late step, its corrections 1 − β^step are 1, and the update is RMSprop's own.
    """
    optimiser = torch.optim.Adam(
        parameters,
        lr=settings.learning_rate,
        betas=(0.0, settings.rho),
        eps=settings.epsilon,
        fused=True,
    )
    for weight in optimiser.param_groups[0]["params"]:
        optimiser.state[weight] = {
            "step": torch.full((), _SETTLED, device=weight.device),
            "exp_avg": torch.zeros_like(weight),
            "exp_avg_sq": torch.zeros_like(weight),
        }
    return optimiser


@dataclass
class Annealer:
    """Keras's ReduceLROnPlateau on validation accuracy, as its state."""

    learning_rate: float
    best: float = -1.0
    wait: int = 0

    def step(self, settings: Plateau, accuracy: float) -> None:
        """Take in an epoch's validation accuracy; lower ``learning_rate`` if it stood still."""
        if accuracy > self.best + settings.min_delta:
            self.best, self.wait = accuracy, 0
            return
        self.wait += 1
        if self.wait >= settings.patience and self.learning_rate > settings.min_learning_rate:
            lowered = self.learning_rate * settings.factor
            self.learning_rate, self.wait = max(lowered, settings.min_learning_rate), 0
