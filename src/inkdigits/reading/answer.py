"""A picture to a Reading: what was found on it, and what is answered and what refused."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkdigits.errors import DataError
from inkdigits.images import SIZE, Images, decode, normalise, read_picture, to_grey
from inkdigits.reading.page import Classify, Spot, find_digits
from inkdigits.reading.readings import Digit, Line, Reading
from inkdigits.reading.refusing import BLANK, is_unsure, refusals, several

Picture = str | os.PathLike[str] | bytes | Image.Image | NDArray[Any]
TINY = 48  # pixels on a side: room for one digit
ONE_WIDTH, WIDEST = 1.2, 1.6  # of most digits and of all, at most, in their heights
WHOLE = 0.4  # times as likely as its parts, at least, a digit is to be read whole
SURE = 0.9  # a wide digit: likelier than its parts, and as likely as that
FEW = 4  # parts, at most, that a digit comes in
APART = 1.0  # digit's heights: a blot so far from the rest of its line is no part of it
AS_HIGH = 0.7, 1.5  # of the median of the digits that were read, at least and at most
CLOSE = 0.4  # of the picture's shorter side: a digit so large is all that it shows


def read(picture: Picture, classify: Classify, threshold: float, *, one: bool) -> Reading:
    """Read a picture; see Reader.read."""
    name, grey = _grey(picture)
    lines = _without_dirt(_answered(_find(grey, classify), threshold))
    return Reading(name, lines, _refused(lines, one), grey)


def _grey(picture: Picture) -> tuple[str | None, Images]:
    """Return the picture's name, if it has one, and its grey values, uint8 (H, W)."""
    if isinstance(picture, bytes):
        return None, decode(picture)
    if isinstance(picture, Image.Image):
        return None, to_grey(picture)
    if not isinstance(picture, str | os.PathLike | np.ndarray):
        raise DataError(
            f"a {type(picture).__name__} is no picture; give a path, the bytes of a file, "
            "a PIL image or an array"
        )
    if isinstance(picture, np.ndarray):
        if picture.ndim != 2 or picture.dtype != np.uint8 or not picture.size:
            raise DataError(
                f"the array is {picture.dtype} {picture.shape} where grey uint8 (H, W) belongs; "
                "for colour give a PIL image"
            )
        return None, np.asarray(picture)
    return os.fspath(picture), read_picture(Path(picture))


def is_digit_image(grey: Images) -> bool:
    """Tell whether the picture is in MNIST's form already: 28×28, white on black, empty border."""
    if grey.shape != (SIZE, SIZE):
        return False
    first_and_last = slice(None, None, SIZE - 1)
    border = grey[first_and_last].any() or grey[:, first_and_last].any()
    return not border and bool(grey.any())


def read_digit_image(
    image: Images, probabilities: NDArray[np.float32], threshold: float
) -> Reading:
    """Tell what the network's ``probabilities`` (10,) say of a picture that is a digit image."""
    lines = _answered([[_whole_spot(image, probabilities)]], threshold)
    return Reading(None, lines, lines[0].digits[0].refused, image)


def _whole_spot(image: Images, probabilities: NDArray[np.float32]) -> Spot:
    rows, columns = np.any(image, axis=1), np.any(image, axis=0)
    top, left = int(rows.argmax()), int(columns.argmax())
    height, width = SIZE - top - int(rows[::-1].argmax()), SIZE - left - int(columns[::-1].argmax())
    return Spot((left, top, width, height), image, probabilities)


def _find(grey: Images, classify: Classify) -> list[list[Spot]]:
    """Find the digits: a picture that can hold but one is normalised whole, others are searched."""
    if is_digit_image(grey):
        return [[_whole_spot(grey, classify(grey[None])[0])]]
    height, width = grey.shape
    if max(height, width) <= TINY and width < 1.5 * height:
        return _whole(grey, (0, 0, width, height), classify)
    found = find_digits(grey, classify)
    spots = [spot for line in found for spot in line]
    box = _around([spot.box for spot in spots])
    close = max(box[2:]) > CLOSE * min(height, width)
    if close and box[2] < WIDEST * box[3] and len(spots) <= FEW:
        whole = _whole(grey, box, classify)
        if whole and _better(whole[0][0], spots):
            return whole
    return found


def _better(whole: Spot, parts: list[Spot]) -> bool:
    """Tell whether a picture is better read whole than as the digit or digits found on it.

    One digit is found where shadows are kept apart, so the whole may be likelier, but no other.
    """
    likely = float(whole.probabilities.max())
    if len(parts) == 1:
        [part] = parts
        same = whole.probabilities.argmax() == part.probabilities.argmax()
        return bool(same) and likely > part.probabilities.max()
    apart = float(np.prod([part.probabilities.max() for part in parts]))
    return likely > (WHOLE * apart if whole.box[2] < ONE_WIDTH * whole.box[3] else max(apart, SURE))


def _around(boxes: list[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    """Return the box around all boxes, empty if there are none."""
    if not boxes:
        return 0, 0, 0, 0
    left, top, width, height = np.array(boxes).T
    x, y = int(left.min()), int(top.min())
    return x, y, int((left + width).max()) - x, int((top + height).max()) - y


def _whole(grey: Images, box: tuple[int, int, int, int], classify: Classify) -> list[list[Spot]]:
    image = normalise(grey)
    return [[Spot(box, image, classify(image[None])[0])]] if image.any() else []


def _answered(found: list[list[Spot]], threshold: float) -> tuple[Line, ...]:
    reasons = refusals(found, threshold)
    return tuple(
        _line([_digit(spot, reason) for spot, reason in zip(spots, why, strict=True)])
        for spots, why in zip(found, reasons, strict=True)
    )


def _line(digits: list[Digit]) -> Line:
    return Line("".join(map(str, digits)), tuple(digits))


def _digit(spot: Spot, reason: str | None) -> Digit:
    best = int(spot.probabilities.argmax())
    return Digit(
        digit=best if reason is None else None,
        probability=float(spot.probabilities[best]),
        box=spot.box,
        refused=reason,
        probabilities=tuple(spot.probabilities.tolist()),
        ink=spot.ink,
    )


def _without_dirt(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Leave out what is refused and stands apart, where something was read.

    A blot or two that make a line of their own, and blots at a line's end far from its digits; not
    what may be a digit and is as high as those that were read.
    """
    heights = [d.box[3] for line in lines for d in line.digits if d.refused is None]
    if not heights:
        return lines
    low, high = (share * float(np.median(heights)) for share in AS_HIGH)

    def is_dirt(line: Line) -> bool:
        may_be = (is_unsure(d.refused or "") and low <= d.box[3] <= high for d in line.digits)
        return line.text in ("?", "??") and not any(may_be)

    return tuple(_without_ends(line) for line in lines if not is_dirt(line))


def _without_ends(line: Line) -> Line:
    digits = list(line.digits)
    if len(digits) <= 2:
        return line
    far = APART * float(np.median([digit.box[3] for digit in digits]))
    while len(digits) > 2 and digits[0].refused and _gap(digits[0], digits[1]) > far:
        del digits[0]
    while len(digits) > 2 and digits[-1].refused and _gap(digits[-2], digits[-1]) > far:
        del digits[-1]
    return _line(digits)


def _gap(left: Digit, right: Digit) -> int:
    return right.box[0] - left.box[0] - left.box[2]


def _refused(lines: tuple[Line, ...], one: bool) -> str | None:
    """Return why the picture as a whole gets no answer."""
    digits = [digit for line in lines for digit in line.digits]
    if not digits:
        return BLANK
    if one and len(digits) > 1:
        return several(len(digits))
    if all(digit.refused for digit in digits):
        return digits[0].refused
    return None
