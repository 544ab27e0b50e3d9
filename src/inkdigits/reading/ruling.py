"""Taking printed lines off the ink: the ruling of ruled and squared paper, margins, tables.

As in removing staves from music: where a line is found, ink is taken away in the columns where it
is no thicker than the line, so strokes that cross the line stay whole (after Fujinaga, "Staff
detection and removal", 2004; here the lines are found by a Hough transform, strip by strip,
because paper bends). Ink much darker than the line is a stroke that runs along it, and stays too.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkdigits.reading.ink import Floats, Ink, Mask

STRIPS = 3  # across the picture; a line may bend from one to the next
STEEPEST = 0.25  # a line's slope, either way
SLOPES = 51
COVERED = 0.45  # of a strip's columns, at least, that a line runs through
THINNEST = 45  # a line's length, at least, in its thicknesses
MOST_LINES = 100  # in a strip
NEAR = 2.5  # pixels that ink may be off the line that it is part of
DARKER = 1.5  # times a line's contrast: darker ink is no part of it
BESIDE = 2  # pixels on either side of a line that its blur takes


class Ruling(NamedTuple):
    """Lines: their ``ink``, and the ``place`` that they run through, both bool (h, w)."""

    ink: Mask
    place: Mask


def find_ruling(ink: Ink, height: float) -> Ruling:
    """Find the lines, level or upright.

    ``height`` is a digit's, in pixels: no line is looked for that a digit's stroke could make.
    """
    level = _level_lines(ink.mask, ink.contrast, height)
    upright = _level_lines((ink.mask & ~level.ink).T, ink.contrast.T, height)
    return Ruling(level.ink | upright.ink.T, level.place | upright.place.T)


def _level_lines(mask: Mask, contrast: Floats, height: float) -> Ruling:
    """Find the lines that are roughly level."""
    found = nothing(mask)
    width = mask.shape[1] // STRIPS
    if width < max(2, 2 * height) or mask.shape[0] < 3:
        return found
    for left in range(0, mask.shape[1] - width + 1, width):
        right = left + width if left + 2 * width <= mask.shape[1] else mask.shape[1]
        strip = slice(left, right)
        for line in find_lines(mask[:, strip], contrast[:, strip], width // THINNEST, COVERED):
            line.paint(found, left)
    return found


def nothing(mask: Mask) -> Ruling:
    """Return no ruling on ink of that size."""
    return Ruling(np.zeros_like(mask), np.zeros_like(mask))


class Line(NamedTuple):
    """A line, roughly level: in columns ``x`` its ink goes from row ``top`` up to ``bottom``.

    ``rows``: of its middle, in each column, where strokes cross it, too. ``thick``: pixels.
    """

    x: NDArray[np.intp]
    top: NDArray[np.intp]
    bottom: NDArray[np.intp]
    rows: NDArray[np.float64]
    thick: float

    def paint(self, ruling: Ruling, left: int = 0) -> None:
        """Add it to a ruling that begins ``left`` columns before it."""
        for column, high, low in zip(self.x + left, self.top, self.bottom, strict=True):
            ruling.ink[high:low, column] = True
        half = int(self.thick / 2) + BESIDE
        rows = self.rows + np.arange(-half, half + 1)[:, None]
        rows = np.clip(rows, 0, len(ruling.ink) - 1).astype(np.intp)
        ruling.place[rows, left + np.arange(len(self.rows))] = True


def find_lines(mask: Mask, contrast: Floats, thickest: float, covered: float) -> list[Line]:
    """Find the roughly level lines that run through a share ``covered`` of all columns."""
    width = mask.shape[1]
    x, top, bottom = _thin_runs(mask, thickest)
    middle = (top + bottom - 1) / 2
    dark = contrast[middle.astype(np.intp), x]
    if len(x) < covered * width:
        return []
    slopes = np.linspace(-STEEPEST, STEEPEST, SLOPES)
    bins = round(mask.shape[0] / NEAR + 2 * STEEPEST * width / NEAR) + 2

    def votes(some: NDArray[np.bool_]) -> NDArray[np.intp]:
        places = ((middle[some, None] - slopes * x[some, None]) + STEEPEST * width) / NEAR
        cells = places.astype(np.intp) + np.arange(SLOPES) * bins
        return np.bincount(cells.ravel(), minlength=SLOPES * bins).reshape(SLOPES, bins)

    found: list[Line] = []
    left = np.ones(len(x), np.bool_)
    ballot = votes(left)
    for _ in range(MOST_LINES):
        # A line lies in one bin or astride two.
        pairs = ballot[:, :-1] + ballot[:, 1:]
        best = int(pairs.argmax())
        if pairs.flat[best] < covered * width:
            break
        slope, offset = slopes[best // (bins - 1)], (best % (bins - 1) + 1) * NEAR
        on = left & (np.abs(middle - slope * x - offset + STEEPEST * width) <= NEAR)
        if np.unique(x[on]).size < 2:
            break  # a single column has no slope
        fit = np.polyfit(x[on], middle[on], 1)
        on |= left & (np.abs(middle - np.polyval(fit, x)) <= NEAR)
        if on.sum() < covered * width:
            ballot[:, best % (bins - 1)] = 0  # counted twice; no line after all
            continue
        ballot -= votes(on)
        left &= ~on
        thick = 1.5 * np.median((bottom - top)[on]) + 1
        on &= (bottom - top <= thick) & (dark <= DARKER * np.median(dark[on]))
        found.append(Line(x[on], top[on], bottom[on], fit[0] * np.arange(width) + fit[1], thick))
    return found


def _thin_runs(mask: Mask, thickest: float) -> tuple[NDArray[np.intp], ...]:
    """Return column, first row and row after the last, of upright runs of ink no longer."""
    edges = np.diff(np.pad(mask, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
    x, top = np.nonzero(edges == 1)
    bottom = np.nonzero(edges == -1)[1]
    thin = bottom - top <= max(1, thickest)
    return x[thin], top[thin], bottom[thin]
