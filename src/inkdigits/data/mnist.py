"""MNIST (LeCun, Cortes, Burges 1998), which ships with the package: nothing to download."""

from pathlib import Path

import numpy as np

from inkdigits.data import npz
from inkdigits.data.dataset import Dataset

FILE = Path(__file__).with_name("mnist.npz")
DRAWN = 42_000
SEED = 42


def mnist() -> Dataset:
    """Return the 60,000 training images; ``test`` holds the 10,000 test images."""
    return npz.read(FILE, "mnist")


def mnist42k() -> Dataset:
    """Return 42,000 of the 70,000 images, as many as Kaggle's train.csv; the others are ``test``.

    Drawn by ordering the 70,000 (training images first) by the raw 64-bit outputs of PCG64 with
    seed 42, which NumPy promises never to change.
    """
    whole = mnist()
    assert whole.test is not None
    assert whole.labels is not None
    assert whole.test.labels is not None
    images = np.concatenate([whole.images, whole.test.images])
    labels = np.concatenate([whole.labels, whole.test.labels])
    order = np.argsort(np.random.PCG64(SEED).random_raw(len(images)), kind="stable")
    drawn, rest = order[:DRAWN], order[DRAWN:]
    test = Dataset(images[rest], labels[rest], "mnist42k (test)")
    return Dataset(images[drawn], labels[drawn], "mnist42k", test=test)
