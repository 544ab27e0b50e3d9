"""Building blocks that several architectures share."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Dropout (Srivastava et al., 2014) by masks of bits, several draws from one random number.

    Deviation: a probability that is no multiple of 1/256 is rounded to one, and the kept values
    are scaled by what it then is, so that the mean is kept. Draws from torch's default generator.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = round(p * 256) / 256
        # The fewest bits that tell the probability exactly: 1 for 1/2, 2 for 1/4, at most 8.
        self.bits = next(bits for bits in (1, 2, 4, 8) if (self.p * 2**bits).is_integer())

    def forward(self, x: Tensor) -> Tensor:
        """Zero each value with the layer's probability while training; else return ``x``."""
        if not self.training:
            return x
        return cast(Tensor, _Masked.apply(x, self._mask(x), 1 / (1 - self.p)))

    def _mask(self, x: Tensor) -> Tensor:
        """Draw integers as wide as the values of ``x``: all bits set to keep, none to drop."""
        width = 8 * x.element_size()
        dtype = {16: torch.int16, 32: torch.int32, 64: torch.int64}[width]
        numbers = torch.empty(-(-x.numel() * self.bits // 64), dtype=torch.int64, device=x.device)
        words = numbers.random_(-(2**63), None).view(dtype)
        shifts = torch.arange(0, width, self.bits, dtype=dtype, device=x.device)
        mask = (words >> shifts[:, None]).bitwise_and_(2**self.bits - 1)
        kept = round((1 - self.p) * 2**self.bits)
        mask.sub_(kept).bitwise_right_shift_(width - 1)  # the sign, spread over all bits
        return mask.view(-1)[: x.numel()].as_strided(x.shape, x.stride())

    def extra_repr(self) -> str:
        """Show the probability in the module's printed form."""
        return f"p={self.p:g}"


class _Masked(torch.autograd.Function):
    """x where the mask is set, 0 elsewhere, scaled; the gradient is masked and scaled alike."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(mask)
        ctx.scale = scale
        return _apply_mask(x, mask, scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (mask,) = ctx.saved_tensors
        return _apply_mask(gradients[0], mask, ctx.scale), None, None


def _apply_mask(x: Tensor, mask: Tensor, scale: float) -> Tensor:
    return x.view(mask.dtype).bitwise_and(mask).view(x.dtype).mul_(scale)


class Flatten(nn.Module):
    """Flatten (N, C, H, W) to (N, H·W·C): channels last, as Keras does and as memory has it."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` as (N, H·W·C), without a copy where channels are last in memory."""
        return x.permute(0, 2, 3, 1).flatten(1)


class LocalResponseNorm(nn.LocalResponseNorm):
    """Normalisation over five neighbouring channels (Krizhevsky et al. 2012, section 3.3).

    The paper's constants; torch divides alpha by the number of channels, so it is given 5 × 1e-4.
    """

    def __init__(self) -> None:
        super().__init__(5, alpha=5e-4, beta=0.75, k=2)


def he_initialise(network: nn.Module) -> None:
    """Set the weights by He et al. (2015, section 2.2), made for ReLU; biases become zero.

    Deviation: drawn from a uniform distribution with the paper's variance, not from a normal one.
    """
    _initialise(network, partial(nn.init.kaiming_uniform_, nonlinearity="relu"))


def glorot_initialise(network: nn.Module) -> None:
    """Set the weights by Glorot and Bengio (2010, equation 16), made for tanh; biases to zero."""
    _initialise(network, nn.init.xavier_uniform_)


def _initialise(network: nn.Module, draw: Callable[[Tensor], Tensor]) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            draw(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
