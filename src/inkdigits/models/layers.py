"""Building blocks that several architectures share."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, linear, relu

from inkdigits.models import kernels
from inkdigits.models.kernels import numbers


class Dropout(nn.Module):
    """Dropout (Srivastava et al., 2014); on the CPU one pass, without a mask in memory.

    Draws from torch's default generator: on the CPU one number, from which the mask is hashed.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Zero each value with the layer's probability while training; else return ``x``."""
        if not self.training:
            return x
        if x.device.type != "cpu":
            return drop_by_torch(x, self.p)
        return cast(Tensor, _Dropout.apply(x, self.p, kernels.draw_key()))

    def extra_repr(self) -> str:
        """Show the probability in the module's printed form."""
        return f"p={self.p:g}"


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float, key: int) -> Tensor:
        ctx.p, ctx.random = p, (kernels.current_part().before * math.prod(x.shape[1:]), key)
        ctx.like = torch.empty_like(x)  # dense, in the order of x, so that gradients meet the mask
        return _drop(x, ctx.like, p, *ctx.random)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _drop(gradients[0], torch.empty_like(ctx.like), ctx.p, *ctx.random), None, None


def _drop(x: Tensor, out: Tensor, p: float, first: int, key: int) -> Tensor:
    """Fill ``out`` with what is left of ``x``, scaled so that the mean is kept."""
    if x.stride() != out.stride():
        x = torch.empty_like(out).copy_(x)
    source, target = (numbers(t.as_strided((t.numel(),), (1,))) for t in (x, out))
    kernels.drop(source, target, first, *_random(key, p))
    return out.mul_(1 / (1 - p))


def drop_by_torch(x: Tensor, p: float) -> Tensor:
    """Drop as torch does; of a part of a batch, what it drops there in the whole batch."""
    before, whole = kernels.current_part()
    if whole is None:
        return dropout(x, p)
    last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
    ones = x.new_ones(whole, *x.shape[1:]).contiguous(
        memory_format=torch.channels_last if last else torch.contiguous_format
    )
    return x * dropout(ones, p)[before : before + len(x)]


class MaxPoolReLU(nn.MaxPool2d):
    """2×2 max-pooling with stride 2, then ReLU, which gives what ReLU, then pooling would.

    On the CPU, with channels last in memory, both are done in one pass, and dropout with
    probability ``p`` as well, where the caller asks for it. Of equal values the first gets the
    gradient, as in torch.
    """

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, x: Tensor, p: float = 0) -> Tensor:
        """Map (N, C, H, W) to (N, C, H // 2, W // 2), without negative values."""
        last = x.is_contiguous(memory_format=torch.channels_last)
        if last and x.device.type == "cpu" and not torch.onnx.is_in_onnx_export():
            return cast(Tensor, _MaxPoolReLU.apply(x, p, kernels.draw_key() if p else 0))
        pooled = relu(super().forward(x))
        return drop_by_torch(pooled, p) if p else pooled


class _MaxPoolReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float, key: int) -> Tensor:
        images, channels, height, width = x.shape
        out = x.new_empty(images, height // 2, width // 2, channels)
        place = torch.empty_like(out, dtype=torch.uint8)
        before = kernels.current_part().before
        kernels.pool_relu_drop(
            numbers(x.permute(0, 2, 3, 1)), numbers(out), place.numpy(), before, *_random(key, p)
        )
        ctx.save_for_backward(place)
        ctx.height, ctx.width, ctx.p = height, width, p
        if p:
            out.mul_(1 / (1 - p))
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (place,) = ctx.saved_tensors
        given = gradients[0].permute(0, 2, 3, 1).contiguous()
        if ctx.p:
            given = given * (1 / (1 - ctx.p))
        images, _, _, channels = given.shape
        even = ctx.height % 2 == 0 and ctx.width % 2 == 0
        # Only an odd last row or column is not written to.
        new = given.new_empty if even else given.new_zeros
        out = new(images, ctx.height, ctx.width, channels)
        kernels.unpool(numbers(given), place.numpy(), numbers(out))
        return out.permute(0, 3, 1, 2), None, None


def _random(key: int, p: float) -> tuple[np.uint64, np.uint32]:
    """Return the key to hash from, and the 32-bit number below which a value is dropped."""
    return np.uint64(key), np.uint32(round(p * 2**32))


class Crop(nn.Module):
    """Leave out ``margin`` pixels on each side of (N, C, H, W)."""

    def __init__(self, margin: int) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H − 2·margin, W − 2·margin)."""
        inner = slice(self.margin, -self.margin)
        return x[:, :, inner, inner].contiguous()


class CoveringConv2d(nn.Conv2d):
    """A convolution whose kernel covers its whole input, done as the matrix product that it is.

    oneDNN's convolutions, in bfloat16, take several times as long for it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, K, K) to (N, O, 1, 1)."""
        if torch.onnx.is_in_onnx_export():
            return super().forward(x)
        flat, rows = (t.permute(0, 2, 3, 1).flatten(1) for t in (x, self.weight))
        return linear(flat, rows, self.bias)[:, :, None, None]


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
