"""Fractional max pooling: shrinking a map by less than two."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d


class FractionalMaxPool(nn.Module):
    """The largest value of each of ``side_out``² overlapping regions (Graham 2014, section 2).

    The regions along an axis lie between the points of the paper's pseudo-random sequence, whose
    steps are 1 or 2, both ends included, so a region is 2 or 3 wide. Every batch draws the
    sequences of both axes anew from torch's default generator.

    Deviation: outside training one middling sequence stands for the paper's mean over several.
    """

    def __init__(self, side_in: int, side_out: int) -> None:
        super().__init__()
        self.side_in, self.side_out = side_in, side_out

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, side_in, side_in) to (N, C, side_out, side_out)."""
        x = max_pool2d(x.index_select(2, self._regions(x)), (3, 1))
        return max_pool2d(x.index_select(3, self._regions(x)), (1, 3))

    def _regions(self, x: Tensor) -> Tensor:
        """Draw the places along one axis, three for each region, one twice where it is 2 wide."""
        shift = int(torch.randint(self.side_out, ())) if self.training else self.side_out // 2
        points = [
            (i * (self.side_in - 1) + shift) // self.side_out for i in range(self.side_out + 1)
        ]
        places = [place for first, last in pairwise(points) for place in (first, first + 1, last)]
        return torch.tensor(places, device=x.device)

    def extra_repr(self) -> str:
        """Show the sides in the module's printed form."""
        return f"{self.side_in}, {self.side_out}"
