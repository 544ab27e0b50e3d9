"""Reading an image several times, each time moved a little."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkdigits.images import SIZE

MOVES = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
"""Pixels down and right."""


class Moved(nn.Module):
    """A network's mean over readings of an image as it is and moved by a pixel each way.

    After Krizhevsky et al. (2012, section 4.1), who crop pictures at five places. Deviation: the
    mean is that of logits, not of probabilities, so one temperature calibrates it.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 28, 28), uint8 or float in 0–255, to logits (N, 10)."""
        wide = F.pad(images.to(torch.float32), (1, 1, 1, 1))
        moved = [wide[:, 1 - y : 1 - y + SIZE, 1 - x : 1 - x + SIZE] for y, x in MOVES]
        logits: Tensor = self.network(torch.cat(moved))
        return torch.stack(logits.chunk(len(MOVES))).mean(0)
