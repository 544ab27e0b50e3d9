"""The report's network (table 3): two convolutions and two dense layers, 1,630,090 parameters."""

from torch import Tensor, nn

from inkdigits.models.geometry import DIGITS, Geometry
from inkdigits.models.layers import Dropout, Flatten


class ReportCNN(nn.Sequential):
    """Table 3 of the report, with Keras's initial weights (Glorot uniform, zero bias).

    Deviation: the ReLU of each convolution comes after its pooling. Both orders give the same
    values, since the ReLU is monotonic, and this one touches a quarter of the memory.
    """

    def __init__(self, geometry: Geometry = DIGITS) -> None:
        side = geometry.size // 4
        super().__init__(  # shapes for 28×28×1, channels last as table 3 writes them
            nn.Conv2d(geometry.channels, 32, 3, padding="same"),  # 28×28×32
            nn.MaxPool2d(2),  # 14×14×32
            nn.ReLU(),
            Dropout(0.25),
            nn.Conv2d(32, 64, 3, padding="same"),  # 14×14×64
            nn.MaxPool2d(2),  # 7×7×64
            nn.ReLU(),
            Dropout(0.25),
            Flatten(),  # 3136
            nn.Linear(64 * side * side, 512),  # 512
            nn.ReLU(),
            Dropout(0.5),
            nn.Linear(512, geometry.classes),  # 10 logits; the loss and the reader apply softmax
        )
        for layer in self:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map float (N, C, H, W) in 0–1 to logits (N, classes)."""
        return super().forward(x)
