import numpy as np
import pytest

from inkdigits.data import Dataset


@pytest.fixture(scope="session")
def strokes():
    """400 images of three easy kinds: a bar, a ring and a dash, moved about at random."""
    rng = np.random.default_rng(7)
    images = np.zeros((400, 28, 28), np.uint8)
    labels = rng.integers(0, 3, len(images)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        top, left = rng.integers(3, 8, 2)
        box = image[top : top + 18, left : left + 18]
        if label == 0:
            box[3:15, 3:15] = rng.integers(180, 256)
            box[6:12, 6:12] = 0
        elif label == 1:
            box[:, 8:11] = rng.integers(180, 256)
        else:
            box[8:11, :] = rng.integers(180, 256)
    return Dataset(images, labels, "strokes")
