"""The optimisers that recipes name, and the mean of the weights that they pass through."""

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from inkdigits.models import Network
from inkdigits.training.recipe import AdamW, Muon, RMSprop
from inkdigits.training.replay import side_by_side

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
        self._filters: list[Tensor] = [weight for weight in weights if weight.ndim == 4]
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
        gradients = [weight.grad for weight in self._filters if weight.grad is not None]
        moments = [self.state[weight]["momentum"] for weight in self._filters]
        norms = [self.state[weight]["norm"] for weight in self._filters]
        torch._foreach_mul_(moments, self.settings.momentum)
        torch._foreach_add_(moments, gradients)
        ahead = torch._foreach_add(gradients, moments, alpha=self.settings.momentum)  # Nesterov's
        updates = side_by_side(_orthogonal_filters, ahead)
        torch._foreach_mul_(updates, torch._foreach_mul(_ratios(norms, updates), stride))
        torch._foreach_sub_(self._filters, updates)
        torch._foreach_mul_(self._filters, _ratios(norms, self._filters))


def _ratios(norms: list[Tensor], tensors: list[Tensor]) -> tuple[Tensor, ...]:
    """Return by what to multiply each of the tensors to give it its norm."""
    return torch._foreach_div(norms, torch._foreach_norm(tensors))


def _orthogonal_filters(weights: Tensor) -> Tensor:
    """Orthogonalise a convolution's weights (O, I, K, K) as a matrix of one row a filter."""
    # The order of columns does not matter; this is that of the memory, so nothing is copied.
    rows = weights.permute(0, 2, 3, 1)
    return orthogonalise(rows.reshape(len(rows), -1)).reshape(rows.shape).permute(0, 3, 1, 2)


def orthogonalise(matrix: Tensor) -> Tensor:
    """Return ``matrix`` with its singular values brought to 0.6–1.25, as near 1 as Muon needs.

    Three Newton-Schulz iterations with the coefficients of Jordan et al. (2024); a value that is
    less than a sixtieth of the matrix's norm stays smaller. Deviation: as each iteration multiplies
    X by a polynomial of XXᵀ, they are made on that smaller, square matrix.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    flat = matrix.shape[0] <= matrix.shape[1]
    wide: Tensor = matrix if flat else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    square = wide @ wide.T
    total = factor = _factor(square, a, b, c)
    for _ in range(2):
        square = factor @ square @ factor
        factor = _factor(square, a, b, c)
        total = factor @ total
    wide = total @ wide
    return wide if flat else wide.T


def _factor(square: Tensor, a: float, b: float, c: float) -> Tensor:
    """Return aI + bS + cS² of a symmetric matrix S."""
    factor = torch.addmm(square, square, square, beta=b, alpha=c)
    factor.diagonal().add_(a)
    return factor


def make_optimiser(network: nn.Module, settings: RMSprop | AdamW | Muon) -> torch.optim.Optimizer:
    """Build the optimiser that ``settings`` describe, for all weights of ``network``."""
    weights = list(network.parameters())
    optimiser: torch.optim.Optimizer
    match settings:
        case RMSprop():
            optimiser = FusedRMSprop(weights, settings)
        case AdamW():
            optimiser = FusedAdamW(weights, settings)
        case Muon():
            optimiser = ConvMuon(weights, settings)
    if weights[0].is_cuda:  # a step that was recorded reads its learning rate from memory
        for group in optimiser.param_groups:
            group |= {"lr": torch.tensor(group["lr"], device=weights[0].device), "capturable": True}
    return optimiser


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step go by ``rate``."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


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
