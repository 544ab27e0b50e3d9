"""When not to answer, and the reason in plain words.

A digit that stands alone is answered if one digit is likely enough. In a line most of whose ink is
surely digits, their neighbours say that this ink is one as well, so it is enough that one digit is
likelier than not and the others are few: a doubtful digit looks like two or three, what is no digit
like many, and that is refused in a line as well.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLANK = "blank: no ink found"
IN_WORD = "not a digit: it stands among letters"
_UNSURE = "unsure:"
NEIGHBOURS = 2  # sure digits, at least, that make a line one of digits; and half of the line
# All of 3,000 held-out digits reach both, 9 in 100 letters (alone, 3 in 100 are answered).
LIKELIER, FEW, TOGETHER = 0.5, 3, 0.85  # the likeliest digit; the three likeliest


def refusals(
    line: Sequence[NDArray[np.float32]], letters: Sequence[bool], threshold: float
) -> list[str | None]:
    """Return why each digit of a line, by its ten probabilities, gets no answer, or None.

    ``letters``: which of them stand in a word that is no number.
    """
    digits = [some for some, letter in zip(line, letters, strict=True) if not letter]
    sure = sum(bool(probabilities.max() >= threshold) for probabilities in digits)
    among_digits = sure >= max(NEIGHBOURS, len(digits) / 2)
    return [
        IN_WORD if letter else refusal(probabilities, threshold, among_digits)
        for probabilities, letter in zip(line, letters, strict=True)
    ]


def refusal(
    probabilities: NDArray[np.float32], threshold: float, among_digits: bool = False
) -> str | None:
    """Return why a digit with these ten ``probabilities`` gets no answer, None if it gets one."""
    if probabilities.max() >= threshold:
        return None
    *others, second, first = (int(digit) for digit in np.argsort(probabilities)[-FEW:])
    best, next_best = float(probabilities[first]), float(probabilities[second])
    few = best + next_best + float(probabilities[others].sum()) >= TOGETHER
    if among_digits and best >= LIKELIER and few:
        return None
    if best + next_best >= threshold or best >= 0.5:
        return f"{_UNSURE} it may be {first} ({best:.0%}) or {second} ({next_best:.0%})"
    return f"not a digit: it looks most like {first}, but that is only {best:.0%} likely"


def is_unsure(reason: str) -> bool:
    """Tell whether a refusal is of what may well be a digit."""
    return reason.startswith(_UNSURE)


def several(count: int) -> str:
    """Return the refusal of ``count`` digits where one was asked for."""
    return f"several digits: found {count} where one was asked for"
