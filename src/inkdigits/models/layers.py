"""Building blocks that several architectures share."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Dropout (Srivastava et al., 2014) with one-byte random numbers.

    Deviation: the probability is rounded to a multiple of 1/256, and the kept values are scaled
    by that probability, so that the mean is kept exactly. Draws from torch's default generator.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.threshold = round(p * 256)
        self.scale = 256 / (256 - self.threshold)

    def forward(self, x: Tensor) -> Tensor:
        """Zero each value with the layer's probability while training; else return ``x``."""
        if not self.training:
            return x
        bits = torch.empty_like(x, dtype=torch.uint8).random_()
        return x * (bits >= self.threshold).to(x.dtype).mul_(self.scale)

    def extra_repr(self) -> str:
        """Show the probability in the module's printed form."""
        return f"p={self.threshold / 256:g}"
