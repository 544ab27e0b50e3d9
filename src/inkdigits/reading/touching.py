"""Cutting ink that may be several digits grown together, where little ink must be cut through."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkdigits.images.normalising import stroke_width
from inkdigits.reading.ink import Floats, Mask
from inkdigits.reading.pieces import Piece

NARROW = 0.75  # of a digit's height: what is narrower is one digit
ALONE = 1.0  # the same of ink alone on its picture: letters are as wide, few digits that touch
BROAD = 0.25  # of its height: ink alone with strokes so broad is a single one, just begun
ROWS = 48  # a piece is made this high to look for cuts
APART = 0.18  # digit's heights, at least, between two cuts and at both ends
SIDEWAYS = 0.15  # cost of a step to the side, in cells of ink cut through
STROKE = 0.33  # digit's heights of ink that each stroke cut through counts for besides its own
INKED = 0.5  # of a cell: there is a stroke
LEAST = 0.01  # ink of a part, in squares as high as a digit
MOST_INK = 0.9  # of a digit's height, so counted: what must cut through more is no place to cut
CUTS = 2.5  # at most, for a digit's height of width


def cut_up(piece: Piece, height: float, *, alone: bool = False) -> tuple[list[Piece], list[float]]:
    """Cut ``piece`` wherever two digits may touch: parts from left to right, and between them cuts.

    A cut is measured by the ink and strokes it goes through, in digit's heights: digits touch in
    one place, while a loop takes two to cut. Whether it is one at all is for the reader to say: the
    parts can be put together again.
    """
    if piece.width < (ALONE if alone else NARROW) * height:
        return [piece], []
    scale = min(1.0, ROWS / piece.height)
    size = max(2, round(piece.width * scale)), max(2, round(piece.height * scale))
    small = np.asarray(
        Image.fromarray(piece.mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)
    )
    cover = small.astype(np.float32) / np.float32(255)
    if alone and stroke_width(cover) > BROAD * size[1]:
        return [piece], []
    paths, inks = _valleys(cover, height * scale)
    rows = np.minimum((np.arange(piece.height) * scale).astype(np.intp), size[1] - 1)
    columns = np.arange(piece.width)
    parts, cuts, left = [], [], piece.mask
    for path, ink in zip(paths, inks, strict=True):
        part = left & (columns < np.rint(path[rows] / scale)[:, None])
        if min(part.sum(), (left & ~part).sum()) > LEAST * height**2:  # paths may run together
            parts.append(_part(piece, part))
            cuts.append(ink)
            left = left & ~part
    return [*parts, _part(piece, left)], cuts


def _valleys(ink: Floats, height: float) -> tuple[list[NDArray[np.float64]], list[float]]:
    """Return the paths from top to bottom that cut through least, from left to right.

    A path is its column in each row; what it cuts through is in digit's heights.
    """
    stroke = STROKE * height
    down, from_above = _cheapest(ink, stroke)
    up, from_below = _cheapest(ink[::-1], stroke)
    middle = ink.shape[0] // 2
    through = down[middle] + up[::-1][middle] - ink[middle] - stroke * (ink[middle] > INKED)
    apart = max(2, round(APART * height))
    chosen: list[int] = []
    for column in np.argsort(through + 1e-4 * np.abs(np.arange(len(through)) - len(through) / 2)):
        far = apart <= column < len(through) - apart
        if through[column] > MOST_INK * height or len(chosen) >= CUTS * len(through) / height:
            break
        if far and all(abs(column - other) >= apart for other in chosen):
            chosen.append(int(column))
    paths = [_trace(from_above, from_below, middle, column) for column in sorted(chosen)]
    return paths, [float(through[column]) / height for column in sorted(chosen)]


def _cheapest(ink: Floats, stroke: float) -> tuple[Floats, NDArray[np.int8]]:
    """Return the least cost of a way from the top to each cell, and the step that led there.

    It pays for the ink of its cells, and ``stroke`` wherever it enters a stroke.
    """
    rows, columns = ink.shape
    room = np.full((rows, columns + 2), np.inf, np.float32)  # nobody comes from beyond the sides
    total = room[:, 1:-1]
    inked = ink > INKED
    # Paid on entering ink from where there is none, for each way in: from above, left and right.
    before = np.pad(inked, 1)[:rows]
    entered = np.stack([before[:, at : at + columns] for at in (1, 0, 2)])
    toll = stroke * (inked & ~entered)
    toll[1:] += SIDEWAYS
    ways = np.empty((3, columns))
    step = np.zeros(ink.shape, np.int8)
    total[0] = ink[0] + toll[0, 0]
    for row in range(1, rows):
        for way, at in enumerate((1, 0, 2)):
            np.add(room[row - 1, at : at + columns], toll[way, row], out=ways[way])
        step[row] = ways.argmin(axis=0)
        total[row] = ink[row] + ways.min(axis=0)
    return total, np.array([0, -1, 1], np.int8)[step]


def _trace(
    from_above: NDArray[np.int8], from_below: NDArray[np.int8], middle: int, column: int
) -> NDArray[np.float64]:
    rows = len(from_above)
    path = np.empty(rows)
    at = column
    for row in range(middle, -1, -1):
        path[row] = at
        at += int(from_above[row, at])
    at = column
    for row in range(middle, rows):
        path[row] = at
        at += int(from_below[rows - 1 - row, at])
    return path


def _part(piece: Piece, mask: Mask) -> Piece:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Piece(piece.top + int(rows[0]), piece.left + int(columns[0]), mask[box])
