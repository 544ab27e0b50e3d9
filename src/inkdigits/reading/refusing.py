"""When not to answer, and the reason in plain words."""

import numpy as np
from numpy.typing import NDArray

BLANK = "blank: no ink found"


def refusal(probabilities: NDArray[np.float32], threshold: float) -> str | None:
    """Return why a digit with these ten ``probabilities`` gets no answer, None if it gets one."""
    second, first = (int(digit) for digit in np.argsort(probabilities)[-2:])
    best, next_best = float(probabilities[first]), float(probabilities[second])
    if best >= threshold:
        return None
    if best + next_best >= threshold or best >= 0.5:
        return f"unsure: it may be {first} ({best:.0%}) or {second} ({next_best:.0%})"
    return f"not a digit: it looks most like {first}, but that is only {best:.0%} likely"


def several(count: int) -> str:
    """Return the refusal of ``count`` digits where one was asked for."""
    return f"several digits: found {count} where one was asked for"
