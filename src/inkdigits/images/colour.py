"""Which grey shows the ink of a coloured picture best: its light, or one of its colours."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

LIGHT = 0.299, 0.587, 0.114  # of red, green and blue (ITU-R BT.601), as Pillow turns to grey
SIDE = 128  # pixels of the picture in small
AROUND = 8  # pixels of that, each way: surroundings
MOST = 99.9  # per cent of its pixels differ less from them: ink covers more than the rest
STRONGER = 3.0  # times the difference in light

Weights = tuple[float, float, float, float]


def grey_weights(small: Image.Image) -> Weights | None:
    """Return what red, green and blue count for in grey, and what is added, or None for light.

    ``small``: the picture in small, mode RGB. Light it is but where something differs from its
    surroundings three times as much in colour, as red ink on green or yellow on white does: then
    grey is the colour that differs most (first principal component), stretched over 0–255.
    """
    around = small.filter(ImageFilter.BoxBlur(AROUND))
    values = np.asarray(small, np.float32).reshape(-1, 3)
    differences = values - np.asarray(around, np.float32).reshape(-1, 3)
    light = differences @ np.array(LIGHT, np.float32)
    colours = differences - light[:, None]
    way = np.linalg.eigh(colours.T @ colours)[1][:, -1]
    if _strength(colours @ way) <= STRONGER * _strength(light):
        return None
    # Of a colour without its light, so that light and shadow count for little.
    red, green, blue = (float(part) for part in way - way.sum() * np.array(LIGHT))
    seen = values @ np.array([red, green, blue], np.float32)
    low, gain = float(seen.min()), 255 / max(float(np.ptp(seen)), 1.0)
    return red * gain, green * gain, blue * gain, -low * gain


def _strength(differences: NDArray[np.float32]) -> float:
    return float(np.percentile(np.abs(differences), MOST))
