"""LeNet-5, as it is usually built and as it was in 1998.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE, 1998.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkdigits.models.geometry import Geometry
from inkdigits.models.layers import Flatten, glorot_initialise

SIDE = 32  # the input; smaller images get a border, half on each side

# Table I: the maps of S2 that each of C3's 16 maps sees.
C3_INPUTS = (
    *((i, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 3) % 6, (i + 4) % 6) for i in range(3)),
    tuple(range(6)),
)

# The codes of the classes, drawn after figure 3: 7 × 12 pixels each.
CODES = """
 .#####.  ...##..  .#####.  #######  ....##.  #######  ..####.  #######  .#####.  .#####.
 ##...##  .####..  ##...##  .....##  ...###.  ##.....  .##....  .....##  ##...##  ##...##
 ##...##  ...##..  .....##  ....##.  ..####.  ##.....  ##.....  .....##  ##...##  ##...##
 ##...##  ...##..  .....##  ...##..  .##.##.  ##.....  ##.....  ....##.  ##...##  ##...##
 ##...##  ...##..  ....##.  ..####.  ##..##.  ######.  ##.###.  ....##.  .#####.  ##...##
 ##...##  ...##..  ...##..  .....##  #######  .....##  ###..##  ...##..  .#####.  .######
 ##...##  ...##..  ..##...  .....##  ....##.  .....##  ##...##  ...##..  ##...##  .....##
 ##...##  ...##..  .##....  .....##  ....##.  .....##  ##...##  ..##...  ##...##  .....##
 ##...##  ...##..  ##.....  ##...##  ....##.  ##...##  ##...##  ..##...  ##...##  ....##.
 .#####.  .######  #######  .#####.  ....##.  .#####.  .#####.  ..##...  .#####.  .####..
 .......  .......  .......  .......  .......  .......  .......  .......  .......  .......
 .......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""


class LeNet5(nn.Sequential):
    """The usual form, 61,706 parameters: every map of C3 sees every map of S2 (section II-B).

    Deviations, as is usual: plain tanh, sub-sampling without trained numbers, dense output instead
    of distances to codes, Glorot's initial weights. ``width`` multiplies C1, C3, C5 and F6.
    """

    def __init__(self, geometry: Geometry, width: float) -> None:
        c1, c3, c5, f6 = (int(full * width) for full in (6, 16, 120, 84))
        border = (SIDE - geometry.size) // 2
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            c1=nn.Conv2d(geometry.channels, c1, 5, padding=border),  # 28×28×6
            tanh1=nn.Tanh(),
            s2=nn.AvgPool2d(2),  # 14×14×6
            c3=nn.Conv2d(c1, c3, 5),  # 10×10×16
            tanh3=nn.Tanh(),
            s4=nn.AvgPool2d(2),  # 5×5×16
            flatten=Flatten(),  # 400
            c5=nn.Linear(c3 * 25, c5),  # 120
            tanh5=nn.Tanh(),
            f6=nn.Linear(c5, f6),  # 84
            tanh6=nn.Tanh(),
            output=nn.Linear(f6, geometry.classes),  # 10
        )
        super().__init__(layers)
        glorot_initialise(self)


class LeNet51998(nn.Module):
    """The original, exactly 60,000 trainable parameters (section II-B, appendices A and B).

    Sub-sampling is trained, C3 follows table I, the squashing is 1.7159 tanh(2x/3), pixels are
    brought to −0.1 … 1.175, and the outputs are distances to fixed codes. The logits are minus the
    squared distances, so cross-entropy is the paper's equation 9 without its constant e^−j.

    Deviation: it is trained like the other networks here, not by stochastic diagonal
    Levenberg-Marquardt, which alone copes with weights as small as the paper's first ones, ±2.4 /
    fan-in. They start with variance 1 / fan-in (LeCun et al. 1998, Efficient BackProp, 4.6).
    """

    def __init__(self, geometry: Geometry, _width: float) -> None:
        super().__init__()
        self.border = (SIDE - geometry.size) // 2
        self.c1 = nn.Conv2d(geometry.channels, 6, 5)  # 28×28×6
        self.s2 = SubSampling(6)  # 14×14×6
        self.c3 = PartialConvolution()  # 10×10×16
        self.s4 = SubSampling(16)  # 5×5×16
        self.c5 = nn.Conv2d(16, 120, 5)  # 1×1×120
        self.flatten = Flatten()  # 120
        self.f6 = nn.Linear(120, 84)  # 84
        self.output = Distance()  # 10
        for layer in (self.c1, self.c5, self.f6):
            _draw(layer.weight, layer.weight[0].numel())
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map float (N, 1, H, W) in 0–1 to logits (N, 10), all negative."""
        x = F.pad(x, [self.border] * 4) * 1.275 - 0.1
        x = squash(self.s2(squash(self.c1(x))))
        x = squash(self.s4(squash(self.c3(x))))
        x = self.flatten(squash(self.c5(x)))
        logits: Tensor = self.output(squash(self.f6(x)))
        return logits


class SubSampling(nn.Module):
    """The sum of each 2×2 pixels, times a trained coefficient, plus a trained bias, per map."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.full((maps,), 0.25))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, maps, H, W) to (N, maps, H / 2, W / 2)."""
        total = 4 * F.avg_pool2d(x, 2)
        return total * self.coefficient[:, None, None] + self.bias[:, None, None]


class PartialConvolution(nn.Module):
    """C3: 60 kernels of 5×5, each from one map of S2 to one of 16 maps, as in table I."""

    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        count = sum(map(len, C3_INPUTS))
        self.kernels = nn.Parameter(torch.empty(count, 5, 5))
        self.bias = nn.Parameter(torch.zeros(16))
        # Which kernel stands between each pair of maps; the one behind the last is all zeros.
        places = torch.full((16, 6), count)
        number = 0
        for output, inputs in enumerate(C3_INPUTS):
            _draw(self.kernels[number : number + len(inputs)], 25 * len(inputs))
            for i in inputs:
                places[output, i] = number
                number += 1
        self.register_buffer("places", places)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 6, 14, 14) to (N, 16, 10, 10)."""
        kernels = torch.cat([self.kernels, self.kernels.new_zeros(1, 5, 5)])
        return F.conv2d(x, kernels[self.places], self.bias)


class Distance(nn.Module):
    """Minus the squared distance to each class's code of 84 numbers ±1 (equation 7)."""

    codes: Tensor

    def __init__(self) -> None:
        super().__init__()
        rows = [line.split() for line in CODES.split("\n") if line]
        pixels = ["".join(row[digit] for row in rows) for digit in range(10)]
        codes = torch.tensor([[1.0 if pixel == "#" else -1.0 for pixel in code] for code in pixels])
        self.register_buffer("codes", codes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 84) to (N, 10)."""
        return -(x[:, None].float() - self.codes).square().sum(2)


def squash(x: Tensor) -> Tensor:
    """Apply the squashing function of appendix A, which keeps 1 and −1 as they are."""
    return 1.7159 * torch.tanh(x * (2 / 3))


def _draw(weights: Tensor, fan_in: int) -> None:
    bound = (3 / fan_in) ** 0.5
    nn.init.uniform_(weights, -bound, bound)
