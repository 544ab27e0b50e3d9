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

    places: Tensor

    def __init__(self, side_in: int, side_out: int) -> None:
        super().__init__()
        self.side_in, self.side_out = side_in, side_out
        # For each shift, so that training on a GPU need not ask which was drawn.
        places = torch.tensor([_places(side_in, side_out, shift) for shift in range(side_out)])
        self.register_buffer("places", places, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, side_in, side_in) to (N, C, side_out, side_out)."""
        x = max_pool2d(x.index_select(2, self._regions(x)), (3, 1))
        return max_pool2d(x.index_select(3, self._regions(x)), (1, 3))

    def _regions(self, x: Tensor) -> Tensor:
        """Draw the places along one axis, three for each region."""
        if not self.training:
            return self.places[self.side_out // 2]
        return self.places[torch.randint(self.side_out, (1,), device=x.device)][0]

    def extra_repr(self) -> str:
        """Show the sides in the module's printed form."""
        return f"{self.side_in}, {self.side_out}"


def _places(side_in: int, side_out: int, shift: int) -> list[int]:
    """Return three places for each region, one of them twice where it is 2 wide."""
    points = [(i * (side_in - 1) + shift) // side_out for i in range(side_out + 1)]
    return [place for first, last in pairwise(points) for place in (first, first + 1, last)]
