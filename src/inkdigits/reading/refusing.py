"""When not to answer, and the reason in plain words.

A digit that stands alone is answered if one digit is likely enough. In a line most of whose ink is
surely digits, their neighbours say that this ink is likely one as well: it is answered if one digit
is likelier than not, and if it is hardly no digit. How likely that is depends on the rest of the
picture, for the network has learnt from more that is no digit than a page of numbers holds, and
from less than a page of words (a prior put right afterwards: Saerens, Latinne & Decaestecker,
2002).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inkdigits.reading.page import Spot

BLANK = "blank: no ink found"
IN_WORD = "not a digit: it stands among letters"
_UNSURE = "unsure:"
NEIGHBOURS = 2  # sure digits, at least, that make a line one of digits; and half of the line
LIKELIER = 0.5  # the likeliest digit there, if it is one
DOUBTS = 0.08  # how likely it is none there, at most
LEARNT = 0.2  # for each digit that the network learnt from: images of none
SEEN, NONE = 10, 1  # as if so many had been seen on a picture beforehand, and so many were none
RAREST = 0.02  # of a page's ink is no digit, at least
FEW = 3  # digits that a doubtful one looks like; what is none looks like all of them


def refusals(lines: Sequence[Sequence[Spot]], threshold: float) -> list[list[str | None]]:
    """Return why each of the digits found on a picture gets no answer, or None."""
    odd = [[_odd(spot) for spot in line] for line in lines]
    none, seen = NONE + sum(map(sum, odd)), SEEN + sum(map(len, odd))

    def reason(spot: Spot, odd: float, among_digits: bool) -> str | None:
        if spot.letter:
            return IN_WORD
        if among_digits and _is_digit(spot, odd, (none - odd) / (seen - 1)):
            return None
        return refusal(spot.probabilities, threshold)

    reasons = []
    for line, shares in zip(lines, odd, strict=True):
        digits = [spot.probabilities.max() for spot in line if not spot.letter]
        sure = sum(bool(likeliest >= threshold) for likeliest in digits)
        among_digits = sure >= max(NEIGHBOURS, len(digits) / 2)
        reasons.append([reason(*each, among_digits) for each in zip(line, shares, strict=True)])
    return reasons


def _odd(spot: Spot) -> float:
    """Return how likely it is no digit, with as many of either as the network learnt from.

    It has learnt that what is none is each digit alike, so the least likely digits tell.
    """
    if spot.letter:
        return 1.0
    least = np.sort(spot.probabilities)[:-FEW]
    return min(1.0, float(least.mean()) * len(spot.probabilities))


def _is_digit(spot: Spot, odd: float, none: float) -> bool:
    """Tell whether it is likely enough one digit where a share ``none`` of the others are none."""
    if odd >= 1:
        return False
    none = max(RAREST, none)
    odds = odd / (1 - odd) * none / (1 - none) / LEARNT
    likeliest = (float(spot.probabilities.max()) - odd / len(spot.probabilities)) / (1 - odd)
    return odds / (1 + odds) <= DOUBTS and likeliest >= LIKELIER


def refusal(probabilities: NDArray[np.float32], threshold: float) -> str | None:
    """Return why a digit with these ten ``probabilities`` gets no answer, None if it gets one."""
    if probabilities.max() >= threshold:
        return None
    first, second = (int(digit) for digit in np.argsort(probabilities)[:-3:-1])
    best, next_best = float(probabilities[first]), float(probabilities[second])
    if best + next_best >= threshold or best >= 0.5:
        return f"{_UNSURE} it may be {first} ({best:.0%}) or {second} ({next_best:.0%})"
    return f"not a digit: it looks most like {first}, but that is only {best:.0%} likely"


def is_unsure(reason: str) -> bool:
    """Tell whether a refusal is of what may well be a digit."""
    return reason.startswith(_UNSURE)


def several(count: int) -> str:
    """Return the refusal of ``count`` digits where one was asked for."""
    return f"several digits: found {count} where one was asked for"
