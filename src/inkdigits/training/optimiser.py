"""The optimiser and the annealer that recipes name."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from inkdigits.training.recipe import Plateau, RMSprop

# A step count so large that Adam's bias corrections are exactly 1 in float32.
_SETTLED = 1_000_000.0


class FusedRMSprop(torch.optim.Optimizer):
    """RMSprop: v = ρv + (1 − ρ)g², w = w − lr·g / (√v + ε), in one sweep over the weights.

    This is Adam with β1 = 0, whose first moment is the gradient itself, and without bias
    correction. torch fuses Adam but not RMSprop, so its Adam is given the gradients for first
    moments, and a late step, at which its corrections 1 − β^step are 1.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], settings: RMSprop) -> None:
        super().__init__(parameters, {"lr": settings.learning_rate})
        self.settings = settings
        self._steps: dict[nn.Parameter, Tensor] = {}
        for weight in self.param_groups[0]["params"]:
            self.state[weight] = {"mean_square": torch.zeros_like(weight)}
            self._steps[weight] = torch.full((), _SETTLED, device=weight.device)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure is used
        """Update every weight that has a gradient."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            gradients = [weight.grad for weight in weights]
            torch._fused_adam_(
                weights,
                gradients,
                gradients,
                [self.state[weight]["mean_square"] for weight in weights],
                [],
                [self._steps[weight] for weight in weights],
                lr=group["lr"],
                beta1=0.0,
                beta2=self.settings.rho,
                weight_decay=0.0,
                eps=self.settings.epsilon,
                amsgrad=False,
                maximize=False,
            )


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
