"""The random streams of a training: all follow from its seed, and no two are the same."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream is for."""

    INITIAL_WEIGHTS = 0
    SPLIT = 1
    EPOCH = 2
    DRAWN = 3
    CALIBRATION = 4


def stream(seed: int, purpose: Stream, number: int | None = None) -> np.random.Generator:
    """Return the stream of a seed for one purpose, or for the ``number``-th time of it."""
    return np.random.default_rng([seed, purpose, *([] if number is None else [number])])
