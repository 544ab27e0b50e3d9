"""The optimisers that recipes name, and the mean of the weights that they pass through."""

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from inkdigits.models import Network
from inkdigits.training.recipe import AdamW, Muon, RMSprop

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

    def __init__(self, weights: Sequence[nn.Parameter], settings: AdamW) -> None:
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


class ConvMuon(torch.optim.Optimizer):
    """Muon for the weights of convolutions, as matrices of one row a filter; AdamW for the rest.

    m = μm + g, u = orthogonal(g + μm), w = w − s‖w₀‖ · u / ‖u‖, then scaled to the norm ‖w₀‖ that
    it began with, where s is the stride times the learning rate's share of its peak.
    """

    def __init__(self, weights: Sequence[nn.Parameter], settings: Muon) -> None:
        self.settings = settings
        self._filters = [weight for weight in weights if weight.ndim == 4]
        self._rest = FusedAdamW([weight for weight in weights if weight.ndim != 4], settings.rest)
        super().__init__([{"params": self._filters}], {"lr": settings.learning_rate})
        # The same objects, so that learning rates and checkpoints reach both.
        self.param_groups += self._rest.param_groups
        self.state.update(self._rest.state)
        for weight in self._filters:
            self.state[weight] = {
                "momentum": torch.zeros_like(weight),
                "norm": weight.detach().norm(),
            }

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure is used
        """Update every weight."""
        self._rest.step()
        stride = self.settings.stride * self.param_groups[0]["lr"] / self.settings.learning_rate
        for weight in self._filters:
            momentum, norm = self.state[weight]["momentum"], self.state[weight]["norm"]
            assert weight.grad is not None
            momentum.mul_(self.settings.momentum).add_(weight.grad)
            ahead = weight.grad + self.settings.momentum * momentum  # Nesterov's
            update = orthogonalise(ahead.reshape(len(weight), -1)).reshape(weight.shape)
            weight.sub_(update * (stride * norm / update.norm()))
            weight.mul_(norm / weight.norm())


def orthogonalise(matrix: Tensor) -> Tensor:
    """Return ``matrix`` with its singular values brought to 0.6–1.25, as near 1 as Muon needs.

    Three Newton-Schulz iterations with the coefficients of Jordan et al. (2024); a value that is
    less than a sixtieth of the matrix's norm stays smaller.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    flat = matrix.shape[0] <= matrix.shape[1]
    wide: Tensor = matrix if flat else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(3):
        square = wide @ wide.T
        wide = a * wide + (b * square + c * square @ square) @ wide
    return wide if flat else wide.T


def make_optimiser(network: nn.Module, settings: RMSprop | AdamW | Muon) -> torch.optim.Optimizer:
    """Build the optimiser that ``settings`` describe, for all weights of ``network``."""
    weights = list(network.parameters())
    match settings:
        case RMSprop():
            return FusedRMSprop(weights, settings)
        case AdamW():
            return FusedAdamW(weights, settings)
        case Muon():
            return ConvMuon(weights, settings)


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
