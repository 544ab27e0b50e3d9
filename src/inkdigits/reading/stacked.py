"""Cutting apart ink that digits of two lines of writing share, one standing on the other."""

from collections.abc import Sequence

import numpy as np

from inkdigits.reading.lines import FARTHEST, page_slope
from inkdigits.reading.pieces import Piece, together
from inkdigits.reading.touching import cut_up

TALL = 1.5  # digit's heights: less is one digit
LOW = 0.5  # digit's heights: less is a part of a digit
OUTSIDE = 0.25  # digit's heights that a line's level is from the ink's middle
INSIDE = 0.1  # digit's heights that it is from the ink's ends
OFF = 0.35  # digit's heights that a cut may be off the middle between the lines


def cut_stacked(pieces: Sequence[Piece], height: float) -> list[Piece]:
    """Return ``pieces``, but those of two lines cut between them.

    Ink is of two lines where digits stand beside both of its halves: those beside a tall digit
    stand beside its middle.
    """
    if not any(_tall(piece, height) for piece in pieces):
        return list(pieces)
    digits = [piece for piece in pieces if _like_digit(piece, height)]
    slope = page_slope(digits, height)
    whole: list[Piece] = []
    for piece in pieces:
        tall = _tall(piece, height)
        whole += _cut_across(piece, digits, slope, height) if tall else [piece]
    return whole


def _tall(piece: Piece, height: float) -> bool:
    return piece.height > TALL * height


def _like_digit(piece: Piece, height: float) -> bool:
    return LOW * height < piece.height < TALL * height


def _cut_across(
    piece: Piece, digits: Sequence[Piece], slope: float, height: float
) -> Sequence[Piece]:
    """Return the upper and the lower part, or the piece alone where it is no two digits."""
    border = _border(piece, digits, slope, height)
    if border is None:
        return [piece]
    parts, cuts = cut_up(_turn(piece), height)
    choices = []
    for n, cut in enumerate(cuts, start=1):
        upper, lower = _turn(together(parts[:n])), _turn(together(parts[n:]))
        off = abs((upper.bottom + lower.top) / 2 - border) / height
        if off < OFF and _like_digit(upper, height) and _like_digit(lower, height):
            choices.append((cut + off, [upper, lower]))
    return min(choices, key=lambda choice: choice[0])[1] if choices else [piece]


def _border(piece: Piece, digits: Sequence[Piece], slope: float, height: float) -> float | None:
    """Return the row midway between the lines that pass both halves of ``piece``, if two do."""
    middle, column = piece.centre
    levels = np.array(
        [
            digit.centre[0] - slope * (digit.centre[1] - column)
            for digit in digits
            if 0 <= max(digit.left - piece.right, piece.left - digit.right) < FARTHEST * height
        ]
    )
    reach = piece.height / 2 - INSIDE * height
    near = np.abs(levels - middle)
    levels = levels[(OUTSIDE * height < near) & (near < reach)]
    above, below = levels[levels < middle], levels[levels > middle]
    if not (len(above) and len(below)):
        return None
    return float(above.mean() + below.mean()) / 2


def _turn(piece: Piece) -> Piece:
    """Swap rows and columns."""
    return Piece(piece.left, piece.top, piece.mask.T)
