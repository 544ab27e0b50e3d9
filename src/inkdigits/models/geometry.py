"""The shape of what goes into a network and of what comes out."""

from typing import NamedTuple


class Geometry(NamedTuple):
    """Square input of ``size`` pixels and ``channels`` planes; ``classes`` logits out."""

    size: int
    channels: int
    classes: int


DIGITS = Geometry(28, 1, 10)
IMAGENET = Geometry(224, 3, 1000)
LENET = Geometry(32, 1, 10)
