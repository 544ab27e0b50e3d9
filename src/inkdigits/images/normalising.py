"""Any picture of one digit to a digit image."""

from typing import TypeVar

import numpy as np
from PIL import Image
from scipy import ndimage

from inkdigits.images.contract import CENTRE, INK_BOX, SIZE, Images
from inkdigits.images.ink import Floats, find_ink

Pixels = TypeVar("Pixels", Floats, Images)

THINNEST, THICKEST = 1.5, 4.0  # strokes' width in pixels of the box: MNIST's, but for a few in 100
EDGE = 0.2  # ink covers that much of the outermost pixels of its box
STROKE_SIDE = 80, 160  # pixels, at least and at most, that strokes are widened and thinned on


def normalise(picture: Images) -> Images:
    """Bring a picture of one digit, grey uint8 (H, W), to a digit image, uint8 (28, 28).

    Dark on light or light on dark, of any size. What is in MNIST's form already passes unchanged;
    a picture without ink comes out all 0.
    """
    return picture if _in_form(picture) else fit_ink(find_ink(picture))


def fit_ink(ink: Floats) -> Images:
    """Bring ink (H, W), from 0 for none to 1, to a digit image, uint8 (28, 28).

    The ink's box is fitted into 20×20 and its centre of mass put at pixel (14, 14). Strokes that
    are thinner or thicker than MNIST's are brought to the nearest width that MNIST has.
    """
    ink = _cropped(ink, EDGE)
    if ink.size == 0:
        return np.zeros((SIZE, SIZE), np.uint8)
    small = _boxed(ink)
    if not THINNEST <= stroke_width(small) <= THICKEST:
        small = _boxed(_with_usual_strokes(ink))
    return _centred(small)


def _in_form(picture: Images) -> bool:
    """Tell MNIST's form: a longer side of 19 or 20, the centre of mass within half a pixel."""
    if picture.shape != (SIZE, SIZE):
        return False
    ink = _cropped(picture)
    if not INK_BOX - 1 <= max(ink.shape) <= INK_BOX:
        return False
    return max(abs(place - CENTRE) for place in _centre_of_mass(picture)) <= 0.5 + 1e-6


def _cropped(ink: Pixels, least: float = 0) -> Pixels:
    rows = np.flatnonzero((ink > least).any(axis=1))
    columns = np.flatnonzero((ink > least).any(axis=0))
    if not rows.size:
        return ink[:0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _boxed(ink: Floats) -> Floats:
    """Fit into 20×20, the longer side filling it."""
    return _resized(ink, INK_BOX / max(ink.shape))


def _resized(ink: Floats, scale: float) -> Floats:
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR))


def stroke_width(ink: Floats) -> float:
    """Return how wide the strokes of ink (H, W), 0 to 1, are, in pixels: area by half the outline.

    The outline's length is the ink's total variation.
    """
    padded = np.zeros((ink.shape[0] + 2, ink.shape[1] + 2), ink.dtype)
    padded[1:-1, 1:-1] = ink
    here = padded[:-1, :-1]
    outline = np.hypot(padded[1:, :-1] - here, padded[:-1, 1:] - here).sum()
    return float(2 * ink.sum() / outline)


def _with_usual_strokes(ink: Floats) -> Floats:
    """Move the ink's edge in or out by the same distance everywhere, towards the usual width."""
    side = float(np.clip(max(ink.shape), *STROKE_SIDE))
    unit = side / INK_BOX
    large = np.pad(_resized(ink, side / max(ink.shape)), round(2 * unit))
    inside = large > 0.5 * large.max()
    depth = ndimage.distance_transform_edt(inside) - 0.5
    width = 4 * depth[inside].mean()  # the mean depth in a long bar is a quarter of its width
    shift = (width - np.clip(width, THINNEST * unit, THICKEST * unit)) / 2
    # Where strokes become thinner, whatever is outside stays empty, however far it is.
    outside = 0.5 if shift >= 0 else ndimage.distance_transform_edt(~inside) - 0.5
    moved = np.where(inside, depth, -outside) - shift
    return _cropped(np.clip(moved + 0.5, 0, 1).astype(np.float32), EDGE)


def _centre_of_mass(ink: Pixels) -> tuple[float, float]:
    """Return its row and column; ink (h, w) is not all 0."""
    rows, columns = ink.sum(axis=1, dtype=np.float64), ink.sum(axis=0, dtype=np.float64)
    total = rows.sum()
    down, right = np.arange(len(rows)) @ rows, np.arange(len(columns)) @ columns
    return float(down / total), float(right / total)


def _centred(ink: Floats) -> Images:
    """Place ink (h, w), at most 20×20, on 28×28 with its centre of mass at pixel (14, 14)."""
    top, left = (
        min(max(round(CENTRE - place), 0), SIZE - side)
        for place, side in zip(_centre_of_mass(ink), ink.shape, strict=True)
    )
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = np.rint(255 * ink)
    return canvas
