"""The optimisers that recipes name, and the mean of the weights that they pass through."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from inkdigits.models import Network
from inkdigits.training.recipe import AdamW, RMSprop

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


class FusedAdamW(torch.optim.AdamW):
    """torch's AdamW, whose moments are there from the start, for a checkpoint to fill."""

    def __init__(self, network: nn.Module, settings: AdamW) -> None:
        weights = list(network.parameters())
        groups = [
            {"params": [w for w in weights if w.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
        ]
        super().__init__(
            [group for group in groups if group["params"]],
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            eps=settings.epsilon,
            fused=True,
        )
        for weight in weights:
            self.state[weight] = {
                "step": torch.zeros((), device=weight.device),
                "exp_avg": torch.zeros_like(weight),
                "exp_avg_sq": torch.zeros_like(weight),
            }


def make_optimiser(network: nn.Module, settings: RMSprop | AdamW) -> torch.optim.Optimizer:
    """Build the optimiser that ``settings`` describe, for all weights of ``network``."""
    if isinstance(settings, RMSprop):
        return FusedRMSprop(network.parameters(), settings)
    return FusedAdamW(network, settings)


class Average:
    """A running mean of a network's weights and statistics, in a network of its own.

    The decay rises from 0, as (1 + t) / (10 + t) after t steps, so that the mean soon forgets the
    initial weights.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network)
        self.decay = decay
        pairs = zip(self.network.state_dict().values(), network.state_dict().values(), strict=True)
        self._pairs = [pair for pair in pairs if pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights as they are after ``step`` steps."""
        means, values = (list(side) for side in zip(*self._pairs, strict=True))
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(means, values, weight)
