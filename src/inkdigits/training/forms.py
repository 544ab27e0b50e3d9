"""Digits in forms that MNIST has few of: 1 with a flag, 7 with a bar, 4 closed or open, print.

MNIST was written in the United States. Other hands write a 1 with a long upstroke, which a network
that never saw one reads as 7 or 4.
"""

import numpy as np
from numpy.typing import NDArray

from inkdigits.images import SIZE, Images, normalise
from inkdigits.training import drawing

# As in drawing: points on a grid from 0 to 6, x before y; a stroke after ~ is a curve.
FORMS: tuple[tuple[str, ...], ...] = (
    ("~30 03 36 63 30", "~30 12 15 36 55 52 20", "~40 12 05 36 54 51", "~20 02 05 36 65 62 50"),
    ("30 36", "12 30 36", "03 30 36", "04 40 46", "22 30 36", "04 30 36", "12 30 36|16 56",
     "11 30 36", "12 40 46", "11 30 36|16 56"),
    ("~02 20 42 24 06|06 56", "~12 20 42 24 06|06 56", "~01 30 52 24 06|~06 25 46 65"),
    ("~01 30 42 23|~23 54 36 05", "00 50 23|~23 54 36 05", "~11 30 41 32 23|~23 43 54 46 26 15"),
    ("10 04 54|42 46", "40 04 64|40 46", "00 03 53|50 56", "30 04 54|43 46", "40 04 64|52 36"),
    ("50 10 03|~03 32 54 36 06", "50 00 02|~02 42 54 26 05", "~02 42 54 26 05|00 02|00 50"),
    ("~40 12 04 26 55 33 05", "~30 03 15 36 54 33 04", "~50 13 05 36 55 33 14"),
    ("00 50 26", "00 60 26|13 53", "00 50 36|23 63", "02 00 60 36", "~01 10 30 50|50 26|13 53"),
    ("~30 12 33 55 36 15 33 52 30", "~50 11 33 54 26 05 33 52 50", "~51 20 12 43 55 26 14 42 60"),
    ("~51 20 02 33 51|51 56", "~52 30 02 23 51|~51 54 36 16", "~50 20 02 13 33 51|~51 54 26 04"),
)  # fmt: skip
"""The forms of each digit, 0 to 9."""


def draw_forms(count: int, rng: np.random.Generator) -> tuple[Images, NDArray[np.int64]]:
    """Draw ``count`` digits, uint8 (count, 28, 28), with their labels int64 (count,), 0–9 alike.

    Two in three are written by pen in one of the FORMS, the others printed in Matplotlib's fonts.
    """
    labels = rng.integers(0, 10, count)
    images = np.empty((count, SIZE, SIZE), np.uint8)
    for image, label in zip(images, labels.tolist(), strict=True):
        printed = rng.random() < 1 / 3
        image[:] = normalise(drawing.printed(str(label), rng) if printed else written(label, rng))
    return images, labels


def written(label: int, rng: np.random.Generator) -> drawing.Grey:
    """Write a digit in one of its forms."""
    # A 1 may be as broad as a brush: it has no hole that would close.
    form = FORMS[label][rng.integers(len(FORMS[label]))]
    strokes = []
    for stroke in form.split("|"):
        points = drawing.points(stroke.lstrip("~"))
        points = points * [0.75, 1] + rng.normal(0, 0.03, points.shape)
        strokes.append(drawing.smooth(points) if stroke.startswith("~") else points)
    return drawing.write(strokes, rng, thick=0.4 if label == 1 else 0.22)
