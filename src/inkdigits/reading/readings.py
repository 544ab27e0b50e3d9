"""What was read from a picture: lines of digits, or the reason why not."""

import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from inkdigits.errors import DataError
from inkdigits.images import Images
from inkdigits.reading.drawing import draw_boxes


@dataclass(frozen=True)
class Digit:
    """One digit and where it stands.

    ``digit`` is None where ``refused`` tells why; ``probability`` is that of the likeliest digit
    even then. ``box``: x, y, width, height in pixels of the picture. ``probabilities``: of 0 to 9.
    ``ink``: uint8 (28, 28), what the network saw.
    """

    digit: int | None
    probability: float
    box: tuple[int, int, int, int]
    refused: str | None
    probabilities: tuple[float, ...]
    ink: Images = field(repr=False, compare=False)

    def __str__(self) -> str:
        return "?" if self.digit is None else str(self.digit)

    def as_dict(self) -> dict[str, Any]:
        """Return what --json prints of it."""
        return {
            "digit": self.digit,
            "probability": round(self.probability, 6),
            "box": list(self.box),
            "refused": self.refused,
        }


@dataclass(frozen=True)
class Line:
    """Digits that stand in a line, from left to right; ``text`` has ? for one that was refused."""

    text: str
    digits: tuple[Digit, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what --json prints of it."""
        return {"text": self.text, "digits": [digit.as_dict() for digit in self.digits]}


@dataclass(frozen=True)
class Reading:
    """What was read from one picture; a notebook shows it drawn on the picture.

    ``image``: the file's name, None if there was none. ``lines``: from top to bottom.
    ``refused``: why the picture as a whole gives no answer, else None. ``picture``: grey (H, W).
    """

    image: str | None
    lines: tuple[Line, ...]
    refused: str | None
    picture: Images | None = field(default=None, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The lines' texts, one under the other."""
        return "\n".join(line.text for line in self.lines)

    def draw(self) -> Image.Image:
        """Draw boxes and readings on the picture, grey, at most 1600 pixels wide or high."""
        if self.picture is None:
            raise DataError("this reading keeps no picture to draw on", self.image)
        boxes = [(digit.box, str(digit)) for line in self.lines for digit in line.digits]
        return draw_boxes(self.picture, boxes)

    def _repr_png_(self) -> bytes | None:
        """Return what a notebook shows."""
        if self.picture is None:
            return None
        file = io.BytesIO()
        self.draw().save(file, "PNG")
        return file.getvalue()

    def as_dict(self) -> dict[str, Any]:
        """Return it in the form that --json prints."""
        return {
            "image": self.image,
            "lines": [line.as_dict() for line in self.lines],
            "refused": self.refused,
        }
