"""From parts of ink to digits: the grouping of each line that the reader finds easiest to read.

Strokes that came apart may be put together, digits that grew together may be cut. All groups of
neighbours that could be a digit go through the network; then each line takes the groups, covering
all of it, whose probabilities are best after what joining and cutting cost (segmentation by
recognition: LeCun et al. 1998, sections VI and VII). Which groups are worth reading at all is found
out by the way: what was not read yet counts as sure, until the best grouping has been read.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inkdigits.reading.pieces import Piece
from inkdigits.reading.touching import cut_up

MOST_PIECES = 3  # that a digit may have come apart into
WIDEST = 1.35  # digit's heights
TALLEST = 1.9
FLATTEST = 2.3  # its width, in its own heights: some noughts lie
CUT_INK = 3.0  # what cutting through a digit's height of ink costs, in nats of probability
JOIN_GAP = 8.0  # what joining over a gap of a digit's height costs
CLOSE, PART_CLOSE = 0.1, 0.6  # digit's heights; what parting pieces costs that are closer, at most
ODD_SIZE = 4.0  # what a size e times too large or small costs
USUAL_WIDTH = 1.05  # digit's heights, at most
WIDE = 5.0  # what a digit's height of width too much costs
PART_OVER = 4.0  # what parting pieces costs of which one is over the other by a digit's height
DOUBT = 4.0  # times its nats a probability counts: digits cut out right are seldom doubtful
DIRT = 12.0  # what leaving out a part as high or wide as a digit costs; smaller ones by the square


@dataclass(frozen=True)
class Group:
    """Parts ``first`` to ``last`` of a line taken as one digit, and what that costs."""

    first: int
    last: int
    cost: float


@dataclass(frozen=True)
class Row:
    """A line in parts, and what it costs to part at each place between two of them."""

    parts: list[Piece]
    cuts: list[float | None]
    height: float


def take_apart(line: Sequence[Piece], height: float, *, alone: bool = False) -> Row:
    """Cut a line into the smallest parts that may belong to different digits.

    ``alone``: there is no other ink on the picture.
    """
    large = [piece.height for piece in line if piece.height > 0.5 * height]
    own = float(np.median(large)) if len(large) > 2 else height
    parts: list[Piece] = []
    cuts: list[float | None] = []
    for piece in line:
        some, inks = cut_up(piece, own, alone=alone)
        cuts += [None] * bool(parts) + [CUT_INK * ink for ink in inks]
        parts += some
    return Row(parts, cuts, own)


def possible_groups(row: Row) -> list[Group]:
    """Return all groups that could be a digit by size and gaps: pieces, or parts of one piece."""
    count = len(row.parts)
    groups = []
    for first in range(count):
        gaps, pieces = 0.0, 1
        starts_piece = first == 0 or row.cuts[first - 1] is None
        for last in range(first, count):
            if last > first and row.cuts[last - 1] is None:
                pieces += 1
                gaps += _gap(row.parts[first:last], _piece(row, last)) / row.height
            wide, tall = _extent(row.parts[first : last + 1], row.height)
            if pieces > MOST_PIECES or (pieces > 1 and (wide > WIDEST or not starts_piece)):
                break
            ends_piece = last == count - 1 or row.cuts[last] is None
            if (pieces > 1 and not ends_piece) or (
                wide > WIDEST and not (starts_piece and ends_piece)
            ):
                continue
            if wide < FLATTEST * tall and (pieces == 1 or tall < TALLEST):
                groups.append(Group(first, last, JOIN_GAP * gaps + _oddness(wide, tall)))
    return groups


def _extent(parts: Sequence[Piece], height: float) -> tuple[float, float]:
    wide = max(p.right for p in parts) - min(p.left for p in parts)
    tall = max(p.bottom for p in parts) - min(p.top for p in parts)
    return wide / height, tall / height


def _oddness(wide: float, tall: float) -> float:
    """Return what an unusual size costs: digits of a line are about equally high."""
    size = max(tall, 0.6 * wide)
    odd = max(0.0, float(abs(np.log(size))) - 0.4)
    return ODD_SIZE * odd + WIDE * max(0.0, wide - USUAL_WIDTH)


def _piece(row: Row, first: int) -> list[Piece]:
    """Return the parts of the piece that starts with part ``first``."""
    last = first
    while last + 1 < len(row.parts) and row.cuts[last] is not None:
        last += 1
    return row.parts[first : last + 1]


def _parting(row: Row, first: int) -> float:
    """Return what it costs that a digit ends before part ``first``."""
    cut = row.cuts[first - 1]
    if cut is not None:
        return cut
    before = first - 1
    while before > 0 and row.cuts[before - 1] is not None:
        before -= 1
    left, right = row.parts[before:first], _piece(row, first)
    gap = _gap(left, right) / row.height
    over = (max(part.right for part in left) - min(part.left for part in right)) / row.height
    return PART_CLOSE * max(0.0, 1 - gap / CLOSE) + PART_OVER * max(0.0, over)


def _gap(parts: Sequence[Piece], piece: Sequence[Piece]) -> float:
    """Return how far ``piece`` is from the nearest of ``parts``, box to box, the larger way."""
    return min(
        max(q.left - p.right, p.left - q.right, q.top - p.bottom, p.top - q.bottom, 0)
        for p in parts
        for q in piece
    )


def best_groups(row: Row, groups: Sequence[Group], probabilities: Mapping[int, float]) -> list[int]:
    """Return which of ``groups`` make up the line best, from left to right.

    ``probabilities``: the likeliest digit's, of each group that was read; the others count as sure.
    """
    count = len(row.parts)
    ending: list[list[int]] = [[] for _ in row.parts]
    for number, group in enumerate(groups):
        ending[group.last].append(number)
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    partings = [0.0, *(_parting(row, first) for first in range(1, count))]
    chosen: list[int | None] = [None] * (count + 1)
    for end in range(1, count + 1):
        part = row.parts[end - 1]
        best[end] = best[end - 1] - DIRT * (max(part.height, part.width) / row.height) ** 2
        for number in ending[end - 1]:
            group = groups[number]
            score = best[group.first] - group.cost - partings[group.first]
            score += DOUBT * math.log(max(probabilities.get(number, 1.0), 1e-6))
            if score > best[end]:
                best[end], chosen[end] = score, number
    found = []
    end = count
    while end:
        taken = chosen[end]
        if taken is None:
            end -= 1
        else:
            found.append(taken)
            end = groups[taken].first
    return found[::-1]
