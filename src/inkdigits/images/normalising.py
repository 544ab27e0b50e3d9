"""Any picture of one digit to a digit image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkdigits.images.contract import CENTRE, INK_BOX, SIZE, Images


def normalise(picture: Images) -> Images:
    """Bring a grey picture (H, W) of one digit, of any size and polarity, to a digit image.

    A picture that is 28×28 with a black border is in MNIST's form already and passes unchanged.
    """
    if picture.shape == (SIZE, SIZE) and not _border(picture).any():
        return picture
    ink = picture.astype(np.float32)
    if np.median(_border(picture)) > 127:
        ink = 255 - ink
    ink -= np.median(_border(ink))
    ink = np.clip(ink, 0, None)
    peak = ink.max(initial=0)
    if peak == 0:
        return np.zeros((SIZE, SIZE), np.uint8)
    ink *= 255 / peak
    rows = np.flatnonzero((ink > 64).any(axis=1))
    columns = np.flatnonzero((ink > 64).any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = INK_BOX / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    small = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BOX))
    return _centre(small)


def _border(picture: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])


def _centre(ink: NDArray[np.float32]) -> Images:
    """Place ink (h, w), at most 20×20, on 28×28 with its centre of mass at pixel (14, 14)."""
    total = ink.sum()
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    corner = []
    for axis, side in enumerate(ink.shape):
        mass = ink.sum(axis=1 - axis)
        middle = float((mass * np.arange(side)).sum() / total)
        corner.append(int(np.clip(round(CENTRE - middle), 0, SIZE - side)))
    top, left = corner
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = np.rint(np.clip(ink, 0, 255))
    return canvas
