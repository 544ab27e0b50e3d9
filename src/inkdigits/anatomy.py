"""What a network does to one image, layer by layer, in plain arrays: no torch, no drawing."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inkdigits.images import Images

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """A square of ``side``² that slides over maps of ``size``², ``padding`` zeros on each edge.

    It steps by ``stride``, so it finds (N + 2P − F) / S + 1 places along each side; a part of one
    does not count, unless ``round_up`` says so.
    """

    size: int
    side: int
    padding: int
    stride: int
    kind: Literal["filter", "window"] = "filter"
    round_up: bool = False

    @property
    def places(self) -> int:
        """The side of the map that comes out."""
        return (math.ceil if self.round_up else math.floor)(self._exact)

    @property
    def arithmetic(self) -> str:
        """The formula with its numbers filled in, its result, and → that rounded."""
        text = f"({self.size} + 2·{self.padding} − {self.side})/{self.stride} + 1 = "
        if self._exact.denominator == 1:
            return text + f"{self.places}"
        return text + f"{float(self._exact):.4g} → {self.places}"

    @property
    def formula(self) -> str:
        """What its numbers stand for, then the arithmetic."""
        way = "up" if self.round_up else "down"
        return (
            f"{self.size}×{self.size}, {self.kind} {self.side}, padding {self.padding}, "
            f"stride {self.stride}: {self.arithmetic.replace(' →', f', rounded {way} to')}"
        )

    @property
    def _exact(self) -> Fraction:
        return Fraction(self.size + 2 * self.padding - self.side, self.stride) + 1


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer, or a block of layers, and what it made of the image.

    ``maps`` is float32 (H, W, C), or (C,) where nothing of the plane is left: what the next layer
    sees, thus after ``activation`` (ReLU, Tanh; "" where none follows). ``inputs`` is the shape of
    what came in. ``name``, ``kind`` and ``parameters`` are those of the layer table.
    """

    name: str
    kind: str
    inputs: tuple[int, ...]
    maps: Floats
    parameters: int
    windows: tuple[Window, ...]
    activation: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what comes out, channels last."""
        return self.maps.shape

    @property
    def formula(self) -> str:
        """How the output's size follows from the input's, with the numbers filled in."""
        if self.windows:
            return "; ".join(dict.fromkeys(window.formula for window in self.windows))
        if self.shape == self.inputs:
            return f"{_by(self.shape)} stays as it is"
        if len(self.shape) == 1 < len(self.inputs):
            return f"{'·'.join(map(str, self.inputs))} = {self.shape[0]:,}"
        return f"{_by(self.inputs)} in, {_by(self.shape)} out"

    @property
    def weights(self) -> str:
        """How the number of trained parameters comes about, as far as a line can tell it."""
        total, outputs = f"{self.parameters:,}", self.shape[-1]
        if len(self.windows) > 1 or not self.parameters:
            return total
        factors = [window.side for window in self.windows] * 2 + [self.inputs[-1]]
        product = "·".join(f"{factor:,}" for factor in factors)
        each = math.prod(factors)
        if self.parameters == outputs * (each + 1):
            return f"{outputs:,}·({product} + 1) = {total}"
        if self.parameters == outputs * each:
            return f"{outputs:,}·{product} = {total}"
        if self.parameters == 2 * outputs:
            return f"2·{outputs:,} = {total}"
        return total


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What hiding a part of the image does.

    ``drop``, float32 (28, 28), is the fall of the digit's probability while a black square of
    ``side``² pixels lies centred there, negative where hiding helps. ``worst`` (row, column) is
    where it falls most, and ``probabilities``, float32 (10,), what is then answered.
    """

    side: int
    drop: Floats
    worst: tuple[int, int]
    probabilities: Floats

    def hide(self, image: Images) -> Images:
        """Return a copy of ``image``, (28, 28), with the square where it hurts most."""
        row, column = self.worst
        return covered(image, row, column, self.side)


@dataclass(frozen=True, eq=False)
class Anatomy:
    """An image on its way through a network, from the filters that meet it to the answer.

    ``image`` is uint8 (28, 28); ``filters`` are those of the stage ``filtering``, float32
    (F, F, C); ``logits`` and ``probabilities`` are float32 (10,), the latter softmax(logits /
    ``temperature``). ``gradient``, float32 (28, 28), is how fast the digit's logit grows with each
    pixel's ink.
    """

    model: str
    image: Images
    filters: Floats
    stages: tuple[Stage, ...]
    logits: Floats
    temperature: float
    probabilities: Floats
    gradient: Floats
    occlusion: Occlusion

    @property
    def digit(self) -> int:
        """The digit that was read."""
        return int(self.probabilities.argmax())

    @property
    def filtering(self) -> Stage:
        """The first stage with filters, those that meet the image."""
        return next(s for s in self.stages if any(w.kind == "filter" for w in s.windows))

    def to_json(self) -> dict[str, Any]:
        """Return the answer and the stages, without arrays of pixels, as JSON values."""
        return {
            "digit": self.digit,
            "probability": float(self.probabilities.max()),
            "probabilities": [float(share) for share in self.probabilities],
            "stages": [
                {
                    "name": stage.name,
                    "kind": stage.kind,
                    "shape": list(stage.shape),
                    "parameters": stage.parameters,
                    "formula": stage.formula,
                }
                for stage in self.stages
            ],
        }


def covered(image: Images, row: int, column: int, side: int) -> Images:
    """Return a copy of ``image`` with a black square of ``side``² pixels centred at a pixel."""
    half = side // 2
    copy = image.copy()
    copy[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = 0
    return copy


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(f"{side:,}" for side in shape)
