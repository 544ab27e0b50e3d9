"""Building blocks that several architectures share."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

# Whole numbers as wide as a float of so many bytes.
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


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
        dtype = _INTEGERS[x.element_size()]
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


class MaxPoolReLU(nn.MaxPool2d):
    """2×2 max-pooling with stride 2, then ReLU, which gives what ReLU, then pooling would.

    While training, both are done at once on the values' bits: read as whole numbers, floats above
    zero keep their order and those below zero stay below it, where the ReLU cuts them off. Whole
    numbers are compared and masked several times faster than bfloat16. Of equal values one gets
    the gradient, not always the one that torch would choose.
    """

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, H // 2, W // 2), without negative values."""
        last = x.is_contiguous(memory_format=torch.channels_last)
        if self.training and last and x.device.type == "cpu":
            return cast(Tensor, _MaxPoolReLU.apply(x))
        return relu(super().forward(x))


class _MaxPoolReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        bits = _bits(x)
        tall = torch.maximum(*_pairs(bits, 1))  # of each two rows
        out = torch.maximum(*_pairs(tall, 2)).clamp_(min=0)  # of each two columns
        ctx.save_for_backward(x, tall, out)
        return out.view(x.dtype).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        x, tall, out = ctx.saved_tensors
        passed = out.neg().bitwise_right_shift_(8 * x.element_size() - 1)  # all bits where out > 0
        passed &= _bits(gradients[0])
        return _route(_bits(x), _route(tall, passed, 2), 1).view(x.dtype).permute(0, 3, 1, 2)


def _bits(x: Tensor) -> Tensor:
    """See (N, C, H, W) as whole numbers (N, H, W, C) of the same width, in place."""
    return x.view(_INTEGERS[x.element_size()]).permute(0, 2, 3, 1)


def _pairs(x: Tensor, axis: int) -> tuple[Tensor, ...]:
    """Return the first and the second of each two along ``axis``, leaving out an odd last one."""
    half = x.shape[axis] // 2
    return x.narrow(axis, 0, 2 * half).unflatten(axis, (half, 2)).unbind(axis + 1)


def _route(x: Tensor, gradient: Tensor, axis: int) -> Tensor:
    """Give each gradient to the larger of the two values of ``x`` that it belongs to."""
    first, second = _pairs(x, axis)
    routed = torch.zeros_like(x) if x.shape[axis] % 2 else torch.empty_like(x)
    to_first, to_second = _pairs(routed, axis)
    larger = torch.ge(first, second, out=torch.empty_like(gradient)).neg_()  # all bits, or none
    torch.bitwise_and(gradient, larger, out=to_first)
    torch.bitwise_xor(gradient, to_first, out=to_second)  # what the first did not get
    return routed


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
