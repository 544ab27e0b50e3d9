"""VGG: depth from many 3×3 convolutions, one on another.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
ICLR 2015. The columns are those of its table 1, which is table 2 of the report.
"""

from torch import nn

from inkdigits.models.geometry import Geometry
from inkdigits.models.layers import Dropout, Flatten, LocalResponseNorm, MaxPoolReLU, he_initialise

# Each column: the kernel sizes of its five groups of convolutions; L is a normalisation.
COLUMNS = {
    "A": ("3", "3", "33", "33", "33"),
    "A-LRN": ("3L", "3", "33", "33", "33"),
    "B": ("33", "33", "33", "33", "33"),
    "C": ("33", "33", "331", "331", "331"),
    "D": ("33", "33", "333", "333", "333"),
    "E": ("33", "33", "3333", "3333", "3333"),
}
CHANNELS = (64, 128, 256, 512, 512)
DENSE = 4096


class VGG(nn.Sequential):
    """One column of the paper's table 1 (section 2.1 and 2.2); about 138 million parameters.

    ========  ===========  ========  where ``width`` multiplies the channels and the dense layers
    stage     224×224×3    28×28×1
    ========  ===========  ========
    group 1   112×112×64   14×14×64
    group 2   56×56×128    7×7×128
    group 3   28×28×256    3×3×256
    group 4   14×14×512    3×3×512
    group 5   7×7×512      1×1×512
    dense     4096, 4096   4096, 4096
    logits    1000         10
    ========  ===========  ========

    Deviations: 28×28 has room for four poolings, so group 4 has none: it and group 5 see 3×3, where
    a 3×3 kernel still has something to look at. Initial weights are He's instead of column A's,
    trained first (section 3.1). A ReLU before a pooling stands behind it, which is equal.
    ``batch_norm`` puts batch normalisation (2015, after the paper) behind each convolution,
    whose bias it makes needless.
    """

    def __init__(
        self, column: str, geometry: Geometry, width: float, batch_norm: bool = False
    ) -> None:
        layers: list[nn.Module] = []
        channels, side = geometry.channels, geometry.size
        for group, (kernels, full) in enumerate(zip(COLUMNS[column], CHANNELS, strict=True), 1):
            for kernel in kernels:
                if kernel == "L":
                    layers.append(LocalResponseNorm())
                    continue
                size, inputs, channels = int(kernel), channels, int(full * width)
                padding = size // 2
                layers.append(
                    nn.Conv2d(inputs, channels, size, padding=padding, bias=not batch_norm)
                )
                if batch_norm:
                    layers.append(nn.BatchNorm2d(channels))
                layers.append(nn.ReLU())
            if group == 5 or side // 2 > 1:
                if isinstance(layers[-1], nn.ReLU):
                    layers.pop()
                layers.append(MaxPoolReLU())
                side //= 2
        dense = int(DENSE * width)
        super().__init__(
            *layers,
            Flatten(),
            nn.Linear(channels * side * side, dense),
            nn.ReLU(),
            Dropout(0.5),
            nn.Linear(dense, dense),
            nn.ReLU(),
            Dropout(0.5),
            nn.Linear(dense, geometry.classes),
        )
        he_initialise(self)
