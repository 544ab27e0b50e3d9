"""The report's network (table 3): two convolutions and two dense layers, 1,630,090 parameters."""

from typing import Literal, cast

from torch import Tensor, nn

from inkdigits.models.first_stage import first_stage
from inkdigits.models.geometry import DIGITS, Geometry
from inkdigits.models.layers import Dropout, Flatten, MaxPoolReLU, glorot_initialise
from inkdigits.models.pooling import FractionalMaxPool

Pooling = Literal["max", "average", "fractional"]


class ReportCNN(nn.Sequential):
    """Table 3 of the report, with Keras's initial weights (Glorot uniform, zero bias).

    Deviation: the ReLU of each convolution comes after its pooling. Both orders give the same
    values, since the ReLU is monotonic, and this one touches a quarter of the memory.

    ``pooling`` puts another in the place of max pooling: "average", or "fractional" max pooling
    (reference 6 of the report), which divides the side by √2, 28 → 20 → 14.
    """

    def __init__(self, geometry: Geometry = DIGITS, pooling: Pooling = "max") -> None:
        size = geometry.size
        half, side = (
            round(size / by) for by in ((2**0.5, 2) if pooling == "fractional" else (2, 4))
        )
        super().__init__(  # shapes for 28×28×1, channels last as table 3 writes them
            nn.Conv2d(geometry.channels, 32, 3, padding="same"),  # 28×28×32
            *_pool(pooling, size, half),  # 14×14×32
            Dropout(0.25),
            nn.Conv2d(32, 64, 3, padding="same"),  # 14×14×64
            *_pool(pooling, half, side),  # 7×7×64
            Dropout(0.25),
            Flatten(),  # 3136
            nn.Linear(64 * side * side, 512),  # 512
            nn.ReLU(),
            Dropout(0.5),
            nn.Linear(512, geometry.classes),  # 10 logits; the loss and the reader apply softmax
        )
        glorot_initialise(self)
        self.pooling = pooling

    def forward(self, x: Tensor) -> Tensor:
        """Map float (N, C, H, W) in 0–1 to logits (N, classes)."""
        if not (self.training and self.pooling == "max" and x.device.type == "cpu"):
            return cast(Tensor, super().forward(x))
        # Each convolution's pooling, ReLU and dropout in one pass over memory.
        x = first_stage(x, cast(nn.Conv2d, self[0]), cast(Dropout, self[2]).p)
        x = self[4](self[3](x), cast(Dropout, self[5]).p)
        for layer in list(self)[6:]:
            x = layer(x)
        return x


def _pool(pooling: Pooling, side_in: int, side_out: int) -> tuple[nn.Module, ...]:
    """Return a pooling and the ReLU of the convolution before it, in their order."""
    if pooling == "average":
        return nn.ReLU(), nn.AvgPool2d(2)
    if pooling == "fractional":
        return FractionalMaxPool(side_in, side_out), nn.ReLU()
    return (MaxPoolReLU(),)
