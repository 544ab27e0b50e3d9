"""ResNet: blocks that learn what to add to their input, and the plain nets beside them.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
"""

from collections import OrderedDict
from collections.abc import Iterator

from torch import Tensor, nn

from inkdigits.models.geometry import Geometry
from inkdigits.models.layers import Flatten, he_initialise

# Depth: blocks in conv2_x, conv3_x, conv4_x and conv5_x (table 1 of the paper).
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
CHANNELS = (64, 128, 256, 512)
BOTTLENECK_FROM = 50  # depth from which the blocks are bottlenecks (section 4.1)


class ResNet(nn.Sequential):
    """A column of the paper's table 1, version 1: ResNet-50 has 25,557,032 parameters.

    =======  ===========  ==========  channels at width 1; four times as many from depth 50
    stage    224×224×3    28×28×1
    =======  ===========  ==========
    conv1    112×112×64   28×28×64
    pool1    56×56×64     14×14×64
    conv2_x  56×56×64     14×14×64
    conv3_x  28×28×128    7×7×128
    conv4_x  14×14×256    4×4×256
    conv5_x  7×7×512      2×2×512
    pool     512          512
    fc       1000         10
    =======  ===========  ==========

    The stride of a bottleneck is in its first 1×1 convolution, as in the paper (many codes moved
    it to the 3×3). Shortcuts that change shape are projections (option B of section 4.1). With
    ``residual=False`` the shortcuts are left out: the plain net of section 4.1.

    Deviations: for 28×28 conv1 has stride 1, since half the paper's five halvings of the side
    leave nothing to see.
    """

    def __init__(self, depth: int, geometry: Geometry, width: float, residual: bool = True) -> None:
        stem = int(CHANNELS[0] * width)
        stride = 2 if geometry.size > 32 else 1
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(geometry.channels, stem, 7, stride, padding=3, bias=False),
            norm1=nn.BatchNorm2d(stem),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        inputs = stem
        for stage, (blocks, full) in enumerate(zip(BLOCKS[depth], CHANNELS, strict=True), 2):
            channels = int(full * width)
            for number in range(1, blocks + 1):
                stride = 2 if number == 1 and stage > 2 else 1
                make_path = bottleneck if depth >= BOTTLENECK_FROM else basic
                block = Block(nn.Sequential(*make_path(inputs, channels, stride)), stride, residual)
                layers[f"conv{stage}_{number}"] = block
                inputs = block.channels
        layers["pool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = Flatten()
        layers["fc"] = nn.Linear(inputs, geometry.classes)
        super().__init__(layers)
        he_initialise(self)


class Block(nn.Module):
    """A path of convolutions, its input added to its output (section 3.2, figure 2)."""

    def __init__(self, path: nn.Sequential, stride: int, residual: bool) -> None:
        super().__init__()
        convolutions = [layer for layer in path if isinstance(layer, nn.Conv2d)]
        inputs, self.channels = convolutions[0].in_channels, convolutions[-1].out_channels
        self.depth = len(convolutions)
        self.path = path
        self.shortcut: nn.Module | None = None
        if residual and (stride, inputs) == (1, self.channels):
            self.shortcut = nn.Identity()
        elif residual:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, self.channels, 1, stride, bias=False),
                nn.BatchNorm2d(self.channels),
            )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, channels, H / stride, W / stride)."""
        y = self.path(x)
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        output: Tensor = self.relu(y)
        return output


def basic(inputs: int, channels: int, stride: int) -> Iterator[nn.Module]:
    """Yield the layers of a block of two 3×3 convolutions."""
    yield nn.Conv2d(inputs, channels, 3, stride, padding=1, bias=False)
    yield nn.BatchNorm2d(channels)
    yield nn.ReLU()
    yield nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    yield nn.BatchNorm2d(channels)


def bottleneck(inputs: int, channels: int, stride: int) -> Iterator[nn.Module]:
    """Yield the layers of a block of a 1×1, a 3×3 and a 1×1 convolution to four times as many."""
    yield nn.Conv2d(inputs, channels, 1, stride, bias=False)
    yield nn.BatchNorm2d(channels)
    yield nn.ReLU()
    yield nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    yield nn.BatchNorm2d(channels)
    yield nn.ReLU()
    yield nn.Conv2d(channels, 4 * channels, 1, bias=False)
    yield nn.BatchNorm2d(4 * channels)
