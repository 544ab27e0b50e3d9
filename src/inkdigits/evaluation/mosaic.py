"""Pictures made of many small ones: feature maps in rows, numbers in strips, RGBA (H, W, 4)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb, to_rgba
from numpy.typing import NDArray

from inkdigits.anatomy import Floats
from inkdigits.evaluation.style import Theme

COLUMNS = 8  # maps in a row
CELLS = 64  # numbers without a plane in a row
TILE, GAP, CELL = 56, 7, 11  # pixels
WIDTH = COLUMNS * (TILE + GAP) - GAP

Colours = NDArray[np.float64]


def ramp(theme: Theme) -> LinearSegmentedColormap:
    """Return the colours from the lowest to the highest value, which are equally far from 0."""
    low, high = (
        [(a + b) / 2 for a, b in zip(to_rgb(end), to_rgb(theme.ink), strict=True)]
        for end in (theme.heat, theme.main)
    )
    stops = np.array([low, to_rgb(theme.heat), to_rgb(theme.paper), to_rgb(theme.main), high])
    return LinearSegmentedColormap.from_list("signed", stops)


def top(values: Floats) -> float:
    """Return the largest size of a value; 1 where all are 0, so that there is a scale."""
    return float(np.abs(values).max(initial=0)) or 1.0


def grid(maps: Floats, most: float, theme: Theme) -> list[Colours]:
    """Paint maps (H, W, C), on the scale −most … most, as rows of 8 squares within hairlines."""
    places = range(maps.shape[2])
    tiles = [_tile(_paint(maps[..., place], most, theme), theme) for place in places]
    tiles += [np.zeros((TILE, TILE, 4))] * (-len(tiles) % COLUMNS)
    gap = np.zeros((TILE, GAP, 4))
    return [
        np.hstack([part for tile in tiles[i : i + COLUMNS] for part in (tile, gap)][:-1])
        for i in range(0, len(tiles), COLUMNS)
    ]


def strips(numbers: Floats, theme: Theme) -> Colours:
    """Paint numbers (C,) as cells, 64 in a row."""
    lines = []
    for start in range(0, len(numbers), CELLS):
        cells = _paint(numbers[start : start + CELLS], top(numbers), theme)
        line = np.zeros((1, CELLS, 4))
        line[0, : len(cells)] = cells
        lines.append(_enlarge(line, CELL, WIDTH))
    return pile(lines, 3)


def pile(parts: Sequence[Colours], gap: int) -> Colours:
    """Lay pictures of one width one below another, ``gap`` pixels apart."""
    between = np.zeros((gap, parts[0].shape[1], 4))
    return np.vstack([part for piece in parts for part in (piece, between)][:-1])


def _paint(values: Floats, most: float, theme: Theme) -> Colours:
    return np.array(ramp(theme)((values / most + 1) / 2), np.float64)


def _tile(colours: Colours, theme: Theme) -> Colours:
    tile = np.tile(to_rgba(theme.faint), (TILE, TILE, 1))
    tile[1:-1, 1:-1] = _enlarge(colours, TILE - 2, TILE - 2)
    return tile


def _enlarge(colours: Colours, height: int, width: int) -> Colours:
    rows = np.arange(height) * colours.shape[0] // height
    columns = np.arange(width) * colours.shape[1] // width
    return colours[np.ix_(rows, columns)]
