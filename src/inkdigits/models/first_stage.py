"""A network's first stage on grey images, in one pass over memory, for training on the CPU.

Convolution 3×3 (same padding), max-pooling 2×2, ReLU and dropout: as layers of their own they
write and read the convolution's output, the largest of the whole network, four times over. Here
each pooled value is computed from its 4×4 pixels at once, in float32, and nothing else is written
but the place in the window that it came from, which is all that the gradient needs.
"""

from typing import Any, cast

import numpy as np
import torch
from numba import prange
from torch import Tensor, nn
from torch.nn.functional import pad

from inkdigits.models.kernels import (
    NONE,
    Bits,
    Floats,
    Places,
    current_part,
    draw_key,
    drop_cell,
    numbers,
    shared_out,
)


def first_stage(x: Tensor, convolution: nn.Conv2d, p: float) -> Tensor:
    """Map float32 (N, 1, H, W), H and W even, to (N, C, H / 2, W / 2) in autocast's type.

    The same as ``convolution``, max-pooling, ReLU and dropout with probability ``p`` in turn; of
    equal values the first gets the gradient. ``x`` itself gets none.
    """
    return cast(Tensor, _FirstStage.apply(x, convolution.weight, convolution.bias, p, draw_key()))


class _FirstStage(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, p: float, key: int) -> Tensor:
        images, _, height, width = x.shape
        channels = weight.shape[0]
        pixels = pad(x, (1, 1, 1, 1))[:, 0]
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        out = torch.empty(images, height // 2, width // 2, channels, dtype=dtype)
        place = torch.empty_like(out, dtype=torch.uint8)
        taps = weight.detach().view(channels, 9).T.contiguous()
        _forward(
            pixels.numpy(),
            taps.numpy(),
            bias.detach().numpy(),
            numbers(out),
            place.numpy(),
            current_part().before,
            np.uint64(key),
            np.uint32(round(p * 2**32)),
            np.float32(1 / (1 - p)),
        )
        ctx.save_for_backward(pixels, place, weight)
        ctx.scale = 1 / (1 - p)
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor, None, None]:
        pixels, place, weight = ctx.saved_tensors
        given = gradients[0].permute(0, 2, 3, 1).contiguous()
        parts = np.zeros((len(pixels), 10, len(weight)), np.float32)
        _backward(pixels.numpy(), numbers(given), place.numpy(), parts)
        # Sums over one image are short enough for float32; those over the batch are not.
        taps, bias = np.split(parts.sum(axis=0, dtype=np.float64), [9])
        to_weight = torch.from_numpy(taps * ctx.scale).float().T.reshape(weight.shape)
        return None, to_weight, torch.from_numpy(bias[0] * ctx.scale).float(), None, None


@shared_out
def _forward(
    pixels: Floats,
    taps: Floats,
    bias: Floats,
    out: Bits,
    place: Places,
    before: int,
    key: np.uint64,
    threshold: np.uint32,
    scale: np.float32,
) -> None:
    """Fill ``out`` and ``place`` (N, h, w, C) from padded pixels (N, 2h + 2, 2w + 2)."""
    images, height, width, channels = out.shape
    for n in prange(images):
        for i in range(height):
            for j in range(width):
                first = (((before + n) * height + i) * width + j) * channels
                largest, where = out[n, i, j], place[n, i, j]
                top, upper = pixels[n, 2 * i], pixels[n, 2 * i + 1]
                lower, low = pixels[n, 2 * i + 2], pixels[n, 2 * i + 3]
                k = 2 * j
                p0, p1, p2, p3 = top[k], top[k + 1], top[k + 2], top[k + 3]
                q0, q1, q2, q3 = upper[k], upper[k + 1], upper[k + 2], upper[k + 3]
                r0, r1, r2, r3 = lower[k], lower[k + 1], lower[k + 2], lower[k + 3]
                s0, s1, s2, s3 = low[k], low[k + 1], low[k + 2], low[k + 3]
                for c in range(channels):  # sixteen at a time, in the processor's vectors
                    t0, t1, t2 = taps[0, c], taps[1, c], taps[2, c]
                    t3, t4, t5 = taps[3, c], taps[4, c], taps[5, c]
                    t6, t7, t8 = taps[6, c], taps[7, c], taps[8, c]
                    w = t0 * p0 + t1 * p1 + t2 * p2 + t3 * q0 + t4 * q1 + t5 * q2
                    w += t6 * r0 + t7 * r1 + t8 * r2
                    x = t0 * p1 + t1 * p2 + t2 * p3 + t3 * q1 + t4 * q2 + t5 * q3
                    x += t6 * r1 + t7 * r2 + t8 * r3
                    y = t0 * q0 + t1 * q1 + t2 * q2 + t3 * r0 + t4 * r1 + t5 * r2
                    y += t6 * s0 + t7 * s1 + t8 * s2
                    z = t0 * q1 + t1 * q2 + t2 * q3 + t3 * r1 + t4 * r2 + t5 * r3
                    z += t6 * s1 + t7 * s2 + t8 * s3
                    one, two = max(w, x), max(y, z)
                    value = max(one, two) + bias[c]
                    in_one = np.uint8(x > w)
                    in_two = np.uint8(np.uint8(2) + np.uint8(z > y))
                    live = value > np.float32(0)
                    bits = np.float32(value * scale).view(np.int32)
                    if out.itemsize == 2:  # bfloat16 is float32's upper half, rounded to even
                        bits = (bits + np.int32(0x7FFF) + ((bits >> 16) & 1)) >> 16
                    largest[c] = bits if live else 0
                    where[c] = (in_one if one >= two else in_two) if live else np.uint8(NONE)
                drop_cell(largest, where, first, key, threshold)


@shared_out
def _backward(pixels: Floats, gradient: Bits, place: Places, parts: Floats) -> None:
    """Add to ``parts`` (N, 10, C) what ``gradient`` (N, h, w, C) says of the taps and the bias."""
    images, height, width, channels = gradient.shape
    for n in prange(images):
        part = parts[n]
        for i in range(height):
            for j in range(width):
                given, where = gradient[n, i, j], place[n, i, j]
                top, upper = pixels[n, 2 * i], pixels[n, 2 * i + 1]
                lower, low = pixels[n, 2 * i + 2], pixels[n, 2 * i + 3]
                k = 2 * j
                p0, p1, p2, p3 = top[k], top[k + 1], top[k + 2], top[k + 3]
                q0, q1, q2, q3 = upper[k], upper[k + 1], upper[k + 2], upper[k + 3]
                r0, r1, r2, r3 = lower[k], lower[k + 1], lower[k + 2], lower[k + 3]
                s0, s1, s2, s3 = low[k], low[k + 1], low[k + 2], low[k + 3]
                for c in range(channels):
                    bits = np.int32(given[c])
                    if gradient.itemsize == 2:
                        bits = bits << 16
                    g, q, none = np.int32(bits).view(np.float32), where[c], np.float32(0)
                    w, x = g if q == 0 else none, g if q == 1 else none
                    y, z = g if q == 2 else none, g if q == 3 else none
                    part[0, c] += w * p0 + x * p1 + y * q0 + z * q1
                    part[1, c] += w * p1 + x * p2 + y * q1 + z * q2
                    part[2, c] += w * p2 + x * p3 + y * q2 + z * q3
                    part[3, c] += w * q0 + x * q1 + y * r0 + z * r1
                    part[4, c] += w * q1 + x * q2 + y * r1 + z * r2
                    part[5, c] += w * q2 + x * q3 + y * r2 + z * r3
                    part[6, c] += w * r0 + x * r1 + y * s0 + z * s1
                    part[7, c] += w * r1 + x * r2 + y * s1 + z * s2
                    part[8, c] += w * r2 + x * r3 + y * s2 + z * s3
                    part[9, c] += w + x + y + z
