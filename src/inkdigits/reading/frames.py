"""Taking printed frames off the ink: boxes, one for each digit or around a number, and combs.

A frame hangs together and is longer than a digit, or has a digit in it: a level line with an
upright one at each end, straight and thin. Its lines go as those of ruling do: where ink is no
thicker, so strokes that cross a line or stand on it stay.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inkdigits.reading.ink import EIGHT, Floats, Ink, Mask
from inkdigits.reading.pieces import Piece, at_edge, find_pieces
from inkdigits.reading.ruling import Line, Ruling, find_lines, nothing

MOST = 300  # frames, the largest; bounds time on pictures full of boxes
SMALLEST = 12  # pixels that a frame is high, at least
FULLEST = 0.5  # of a frame's box is ink, at most
LONG = 1.5  # times its height: a frame so wide needs nothing in it
COVERED = 0.75  # of a frame's side, at least, that a line runs through
THICKEST = 0.25  # of the frame's shorter side
THINNEST = 12  # the longer side, at least, in thicknesses of a line
GAP = 3  # rows that a wall may be cut for
HIGH = 3.0  # times a line's thickness: how high a frame is, at least
EQUAL = 0.6  # of the walls, at least, stand where equal cells have them, where they do at all
UNEVEN = 0.1  # of a cell's width: how far a wall may be from where equal cells have it
CORNER = 0.12  # of the height: how near to a line's end an upright one is


def find_frames(ink: Ink, pieces: Sequence[Piece]) -> Ruling:
    """Find the frames among the ink's ``pieces``, then those so pale that their lines are cut."""
    found = nothing(ink.mask)
    _add_frames(found, pieces, ink)
    _add_frames(found, find_pieces(ink.faint & ~found.ink & ~found.place), ink)
    return found


def _add_frames(found: Ruling, pieces: Sequence[Piece], ink: Ink) -> None:
    candidates = sorted(_candidates(pieces, ink.mask.shape), key=lambda it: -it.mask.size)
    for piece in candidates[:MOST]:
        box = slice(piece.top, piece.bottom), slice(piece.left, piece.right)
        frame = _frame(piece.mask, ink.contrast[box])
        if frame is not None:
            found.ink[box] |= frame.ink | _crumbs(piece.mask & ~frame.ink, frame.place)
            found.place[box] |= frame.place


def _crumbs(rest: Mask, place: Mask) -> Mask:
    """Return what is left of lines where they meet: ink that goes nowhere beyond their place."""
    labels, _ = ndimage.label(rest, EIGHT)
    return rest & ~np.isin(labels, labels[rest & ~place])


def _candidates(pieces: Sequence[Piece], shape: tuple[int, ...]) -> Iterator[Piece]:
    """Yield what is as wide as several digits, has another piece in it, or four straight sides."""
    pieces = [piece for piece in pieces if max(piece.height, piece.width) >= SMALLEST]
    centres = np.array([piece.centre for piece in pieces]).reshape(-1, 2)
    for piece in pieces:
        if min(piece.height, piece.width) < SMALLEST or piece.mask.mean() > FULLEST:
            continue
        if at_edge(piece, shape):
            continue
        low, high = (piece.top, piece.left), (piece.bottom, piece.right)
        inside = ((centres > low) & (centres < high)).all(axis=1).sum() > 1
        if inside or piece.width > LONG * piece.height or _is_box(piece.mask):
            yield piece


def _is_box(mask: Mask) -> bool:
    """Tell whether there is ink all along the four sides."""
    down, across = (max(2, round(CORNER * side)) for side in mask.shape)
    sides = (
        mask[:down].any(axis=0), mask[-down:].any(axis=0),
        mask[:, :across].any(axis=1), mask[:, -across:].any(axis=1),
    )  # fmt: skip
    return min(float(side.mean()) for side in sides) >= COVERED


def _frame(mask: Mask, contrast: Floats) -> Ruling | None:
    """Return the lines of ``mask`` if they make a frame."""
    level = find_lines(mask, contrast, _thickest(*mask.shape), COVERED)
    if not level:
        return None
    found = nothing(mask)
    for line in level:
        line.paint(found)
    # Walls are sought along the level lines: a frame that slopes is as high as it is.
    base = level[0]
    slope = np.rint(base.rows - base.rows.min()).astype(np.intp)
    ends = int(base.x.min()), int(base.x.max())
    mask, contrast = _levelled(mask, slope), _levelled(contrast, slope)
    found = Ruling(_levelled(found.ink, slope), _levelled(found.place, slope))
    row = round(float(base.rows.min())) + int(slope.max())
    near = int(base.thick / 2) + 2
    top = max(_follow(mask, row, end, -1, near) for end in ends)
    bottom = min(_follow(mask, row, end, 1, near) for end in ends) + 1
    if bottom - top < HIGH * base.thick:
        return None
    band = slice(top, bottom)
    rest = (mask & ~found.ink)[band].T
    upright = find_lines(rest, contrast[band].T, _thickest(*rest.shape), COVERED)
    walls = _walls(upright, ends, CORNER * (bottom - top) + 3)
    for line in walls:
        line.paint(Ruling(found.ink[band].T, found.place[band].T))
    return Ruling(_back(found.ink, slope), _back(found.place, slope)) if walls else None


def _levelled(array: NDArray[Any], slope: NDArray[np.intp]) -> NDArray[Any]:
    """Move each column up by its ``slope``; there are ``slope.max()`` rows more above."""
    room = int(slope.max())
    rows = np.arange(len(array) + room)[:, None] + slope
    return np.take_along_axis(np.pad(array, ((room, room), (0, 0))), rows, axis=0)


def _back(array: NDArray[Any], slope: NDArray[np.intp]) -> NDArray[Any]:
    """Undo ``_levelled``."""
    rows = np.arange(len(array) - int(slope.max()))[:, None] + slope.max() - slope
    return np.take_along_axis(array, rows, axis=0)


def _follow(mask: Mask, row: int, column: int, step: int, near: int) -> int:
    """Follow a wall from the level line in ``row`` up or down; return the last row it reaches."""
    last = row
    for now in range(row + step, len(mask) if step > 0 else -1, step):
        left = max(0, column - near)
        inked = np.flatnonzero(mask[now, left : column + near + 1])
        if inked.size:
            last, column = now, left + round(float(inked.mean()))
        elif abs(now - last) > GAP:
            break
    return last


def _thickest(height: int, width: int) -> float:
    return min(THICKEST * min(height, width), max(height, width) / THINNEST)


def _walls(upright: list[Line], ends: tuple[int, int], near: float) -> list[Line]:
    """Return those of the upright lines that are walls of a frame; none if an end has none.

    Where most stand at equal distances, what stands between them is a digit: a large 1.
    """
    places = np.array([np.median(line.rows) for line in upright])
    if not all((np.abs(places - end) < near).any() for end in ends):
        return []
    best, walls = EQUAL * len(upright), np.ones(len(upright), np.bool_)
    for cells in range(2, len(upright) + 2):
        width = (ends[1] - ends[0]) / cells
        wanted = ends[0] + width * np.arange(cells + 1)[:, None]
        there = np.abs(places - wanted) < max(near, UNEVEN * width)
        worth = there.any(axis=0).sum() - (~there.any(axis=1)).sum()
        if worth > best:
            best, walls = float(worth), there.any(axis=0)
    return [line for line, wall in zip(upright, walls, strict=True) if wall]
