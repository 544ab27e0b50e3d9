"""Plain convolutional networks with batch normalisation, made for digits.

Convolutions without padding, each followed by batch normalisation (Ioffe & Szegedy, 2015) and
ReLU, two of them pooled, and one dense layer: the shape that the best published networks for MNIST
share.
"""

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from inkdigits.models.geometry import Geometry
from inkdigits.models.layers import CoveringConv2d, Crop, Flatten, MaxPoolReLU, he_initialise


class Stage(NamedTuple):
    """A convolution: the side of its kernel, its channels, and whether it is pooled 2×2."""

    kernel: int
    channels: int
    pooled: bool = False


STAGES = (Stage(5, 32, True), Stage(3, 64), Stage(3, 64), Stage(3, 96, True), Stage(3, 128))
"""224,042 parameters at width 1, where ``width`` multiplies the channels.

===============  ========
stage            28×28×1
===============  ========
5×5, 32, pooled  12×12×32
3×3, 64          10×10×64
3×3, 64          8×8×64
3×3, 96, pooled  3×3×96
3×3, 128         1×1×128
logits           10
===============  ========

The first convolution is wide and pooled at once, since maps of 24×24 cost memory traffic, of which
a processor has less than of arithmetic.
"""

TINY_STAGES = (Stage(3, 8), Stage(3, 12, True), Stage(3, 16), Stage(3, 16, True))
"""7,642 parameters.

===============  ========
stage            28×28×1
===============  ========
3×3, 8           26×26×8
3×3, 12, pooled  12×12×12
3×3, 16          10×10×16
3×3, 16, pooled  4×4×16
logits           10
===============  ========
"""

QUICK_STAGES = (Stage(5, 16, True), Stage(3, 32), Stage(3, 64, True), Stage(3, 64))
"""61,306 parameters, on the inner 24×24 pixels: all but a few digits lie within them.

===============  ========
stage            24×24×1
===============  ========
5×5, 16, pooled  10×10×16
3×3, 32          8×8×32
3×3, 64, pooled  3×3×64
3×3, 64          1×1×64
logits           10
===============  ========
"""


class ConvNet(nn.Sequential):
    """The convolutions of ``stages``, with ``width`` times their channels, and a dense layer.

    ``margin``: how many pixels are left out on each side of an image.
    """

    def __init__(
        self, stages: Sequence[Stage], geometry: Geometry, width: float, margin: int = 0
    ) -> None:
        layers: list[nn.Module] = [Crop(margin)] if margin else []
        channels, side = geometry.channels, geometry.size - 2 * margin
        for stage in stages:
            inputs, channels = channels, int(stage.channels * width)
            side -= stage.kernel - 1
            kind = CoveringConv2d if side == 1 else nn.Conv2d
            layers += [
                kind(inputs, channels, stage.kernel, bias=False),
                nn.BatchNorm2d(channels),
                MaxPoolReLU() if stage.pooled else nn.ReLU(),
            ]
            side //= 2 if stage.pooled else 1
        super().__init__(*layers, Flatten(), nn.Linear(channels * side**2, geometry.classes))
        he_initialise(self)
