"""Inception-v1 (GoogLeNet): filters of several sizes side by side.

Szegedy et al., "Going Deeper with Convolutions", CVPR 2015.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from inkdigits.models.geometry import Geometry
from inkdigits.models.layers import Dropout, Flatten, LocalResponseNorm, he_initialise

# Table 1 of the paper: 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool projection.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class InceptionV1(nn.Module):
    """GoogLeNet, 22 layers (section 5, table 1 and figure 3); 6,998,552 parameters.

    Its two auxiliary classifiers (6,379,728 more, 13,378,280 in all) see what modules 4a and 4d
    give, and work while training only: then the output is (logits, auxiliary, auxiliary). The
    paper's table rounds each module's parameters; the exact sums follow from it, with a bias at
    each convolution and no batch normalisation, which came later.

    ========  ===========  ==========  channels at width 1
    stage     224×224×3    28×28×1
    ========  ===========  ==========
    conv1     112×112×64   28×28×64
    pool1     56×56×64     14×14×64
    conv2     56×56×192    14×14×192
    pool2     28×28×192    left out
    3a, 3b    28×28×480    14×14×480
    4a … 4e   14×14×832    7×7×832
    5a, 5b    7×7×1024     3×3×1024
    pool5     1024         1024
    logits    1000         10
    ========  ===========  ==========

    Deviations: for 28×28 conv1 has stride 1 and pool2 is left out, which leaves three of the five
    halvings; then the auxiliary classifiers see 7×7 and average it to 1×1, not 14×14 to 4×4. The
    constants of the response normalisation and the initial weights (He's) are not in the paper.
    """

    def __init__(self, geometry: Geometry, width: float) -> None:
        super().__init__()
        large = geometry.size > 32
        first, second = int(64 * width), int(192 * width)
        stem: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(geometry.channels, first, 7, 2 if large else 1, padding=3),
            pool1=_halve(),
            relu1=nn.ReLU(),
            norm1=LocalResponseNorm(),
            conv2_reduce=nn.Conv2d(first, first, 1),
            relu2_reduce=nn.ReLU(),
            conv2=nn.Conv2d(first, second, 3, padding=1),
            relu2=nn.ReLU(),
            norm2=LocalResponseNorm(),
        )
        if large:
            stem["pool2"] = _halve()
        modules: dict[str, Inception] = {}
        channels = second
        for name, row in MODULES.items():
            modules[name] = Inception(channels, *(int(full * width) for full in row))
            channels = modules[name].channels

        def stage(names: str) -> dict[str, nn.Module]:
            return {f"inception_{name}": modules[name] for name in names.split()}

        self.early = nn.Sequential(stem | OrderedDict(stage("3a 3b"), pool3=_halve()) | stage("4a"))
        self.middle = nn.Sequential(OrderedDict(stage("4b 4c 4d")))
        self.late = nn.Sequential(
            OrderedDict(
                **stage("4e"),
                pool4=_halve(),
                **stage("5a 5b"),
                pool5=nn.AdaptiveAvgPool2d(1),
                flatten=Flatten(),
                dropout=Dropout(0.4),
                linear=nn.Linear(channels, geometry.classes),
            )
        )
        side = 14 if large else 7
        self.auxiliary_1, self.auxiliary_2 = (
            Auxiliary(modules[after].channels, side, geometry.classes, width)
            for after in ("4a", "4d")
        )
        he_initialise(self)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """Map float (N, C, H, W) in 0–1 to logits, while training also the auxiliary ones."""
        early = self.early(x)
        middle = self.middle(early)
        logits: Tensor = self.late(middle)
        if self.training:
            return logits, self.auxiliary_1(early), self.auxiliary_2(middle)
        return logits


class Inception(nn.Module):
    """1×1, 3×3 and 5×5 convolutions and a pooling side by side (section 4, figure 2b)."""

    depth = 2

    def __init__(
        self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int
    ) -> None:
        super().__init__()
        self.channels = one + three + five + pool
        self.branches = nn.ModuleList(
            [
                nn.Conv2d(inputs, one, 1),
                nn.Sequential(
                    nn.Conv2d(inputs, reduce3, 1),
                    nn.ReLU(),
                    nn.Conv2d(reduce3, three, 3, padding=1),
                ),
                nn.Sequential(
                    nn.Conv2d(inputs, reduce5, 1),
                    nn.ReLU(),
                    nn.Conv2d(reduce5, five, 5, padding=2),
                ),
                nn.Sequential(
                    nn.MaxPool2d(3, stride=1, padding=1),
                    nn.Conv2d(inputs, pool, 1),
                ),
            ]
        )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, channels, H, W)."""
        output: Tensor = self.relu(torch.cat([branch(x) for branch in self.branches], 1))
        return output


class Auxiliary(nn.Sequential):
    """A classifier half-way, which keeps the gradient alive in what is below it (section 5)."""

    training_only = True

    def __init__(self, inputs: int, side: int, classes: int, width: float) -> None:
        channels, dense = int(128 * width), int(1024 * width)
        pooled = (side - 5) // 3 + 1
        super().__init__(
            nn.AvgPool2d(5, stride=3),
            nn.Conv2d(inputs, channels, 1),
            nn.ReLU(),
            Flatten(),
            nn.Linear(channels * pooled * pooled, dense),
            nn.ReLU(),
            Dropout(0.7),
            nn.Linear(dense, classes),
        )


def _halve() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)
