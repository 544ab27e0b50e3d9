"""The architectures by name."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inkdigits.models.geometry import DIGITS, Geometry
from inkdigits.models.report_cnn import ReportCNN

ARCHITECTURES: dict[str, Callable[[Geometry], nn.Module]] = {
    "report_cnn": ReportCNN,
}


class Network(nn.Module):
    """An architecture in the digits' geometry, as a map from digit images to logits.

    Scaling to 0–1 and padding to the size that the architecture wants happen here, so they travel
    inside every exported file.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 28, 28), uint8 or float in 0–255, to logits (N, 10)."""
        x = images.to(torch.float32).unsqueeze(1) / 255
        logits: Tensor = self.body(x)
        return logits


def create(name: str) -> Network:
    """Build the architecture ``name`` for digits, with fresh weights from torch's generator."""
    return Network(ARCHITECTURES[name](DIGITS))
