"""Pieces of ink into lines of writing, in reading order, on lines that slant too."""

import math
from collections.abc import Sequence

import numpy as np

from inkdigits.reading.pieces import Piece

STEEPEST = np.radians(25)
FARTHEST = 3.0  # digit's heights between two digits of a line
AT_ONCE = 256  # digits are compared with all others, which bounds memory
OFF = 0.55  # digit's heights that a digit may stand off the line so far


def page_slope(pieces: Sequence[Piece], height: float) -> float:
    """Return the slope of the writing: the median over neighbours, 0 where there are few."""
    large = [piece for piece in pieces if piece.height > 0.5 * height]
    if len(large) < 3:
        return 0.0
    rows, columns = np.array([piece.centre for piece in large]).T
    slopes: list[float] = []
    for some in np.array_split(np.arange(len(large)), math.ceil(len(large) / AT_ONCE)):
        down, right = rows - rows[some, None], columns - columns[some, None]
        far = np.hypot(down, right)
        angle = np.arctan2(down, right)
        far[(np.abs(angle) > STEEPEST) | (far > 2 * FARTHEST * height) | (right <= 0)] = np.inf
        nearest = far.argmin(axis=1)
        slopes += angle[np.arange(len(some)), nearest][np.isfinite(far.min(axis=1))].tolist()
    return float(np.tan(np.median(slopes))) if len(slopes) >= 2 else 0.0


def find_lines(pieces: Sequence[Piece], height: float) -> list[list[Piece]]:
    """Group ``pieces`` into lines: each from left to right, the lines from top to bottom.

    Small pieces, parts of broken digits, go to the line that they are nearest to.
    """
    slope = page_slope(pieces, height)
    turned = {id(p): p.centre[0] - slope * p.centre[1] for p in pieces}
    large = sorted((p for p in pieces if p.height > 0.5 * height), key=lambda p: p.centre[1])
    lines: list[list[Piece]] = []
    ends, levels = np.full(len(large), -np.inf), np.full(len(large), np.inf)
    for piece in large:
        off = np.abs(turned[id(piece)] - levels) / height
        off[(piece.left - ends) / height >= FARTHEST] = np.inf
        best = int(off.argmin())
        if off[best] >= OFF:
            best = len(lines)
            lines.append([])
        lines[best].append(piece)
        last = lines[best][-3:]
        ends[best] = max(p.right for p in last)
        levels[best] = np.mean([turned[id(p)] for p in last])
    for piece in pieces:
        if piece.height <= 0.5 * height:
            _join(piece, lines, turned, height)
    for line in lines:
        line.sort(key=lambda p: p.centre[1])
    return _in_order(lines, {id(line): _level(line, turned) for line in lines}, height)


def _level(line: Sequence[Piece], turned: dict[int, float]) -> float:
    return float(np.median([turned[id(p)] for p in line]))


def _in_order(
    lines: list[list[Piece]], levels: dict[int, float], height: float
) -> list[list[Piece]]:
    """Return the lines from top to bottom; those at one height, in columns, from left to right."""
    rows: list[list[list[Piece]]] = []
    for line in sorted(lines, key=lambda line: levels[id(line)]):
        if rows and levels[id(line)] - levels[id(rows[-1][0])] < OFF * height:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line[0].left)]


def _join(piece: Piece, lines: list[list[Piece]], turned: dict[int, float], height: float) -> None:
    best, least = None, 1.2
    for line in lines:
        near = min(line, key=lambda p: abs(p.centre[1] - piece.centre[1]))
        gap = max(near.left - piece.right, piece.left - near.right, 0) / height
        off = abs(turned[id(piece)] - turned[id(near)]) / height
        if off < 0.9 and gap + off < least:
            best, least = line, gap + off
    if best is not None:
        best.append(piece)
