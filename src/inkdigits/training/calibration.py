"""How far to trust a network: the temperature of its softmax, and when it should refuse."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inkdigits.errors import InkdigitsError

COOLEST, HOTTEST = 0.1, 10.0  # where no temperature is best: all right, or no better than chance

DIVERGED = (
    "the network's outputs are not finite, so training diverged; look at the data with "
    "`inkdigits data`, or train another model"
)


def calibrate(
    logits: ArrayLike, labels: ArrayLike, varied: ArrayLike | None = None
) -> tuple[float, float]:
    """Return temperature and refusal threshold from the ``logits`` (N, 10) of held-out images.

    ``varied``: the logits of the same images changed as in training. The temperature is then that
    of both together: clean images alone, hardly ever misread, say little of how sure to be of
    others. The threshold is that of the clean ones. Raises InkdigitsError as fit_temperature does.
    """
    scores, truth = np.asarray(logits, np.float64), np.asarray(labels)
    if varied is None:
        temperature = fit_temperature(scores, truth)
    else:
        temperature = fit_temperature(
            np.concatenate([scores, np.asarray(varied, np.float64)]), np.tile(truth, 2)
        )
    probabilities = np.exp((scores - scores.max(1, keepdims=True)) / temperature)
    probabilities /= probabilities.sum(1, keepdims=True)
    return temperature, refusal_threshold(probabilities)


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the T in 0.1–10 that minimises the mean NLL of softmax(logits / T).

    Temperature scaling (Guo et al., 2017, section 4.2) on validation ``logits`` (N, 10) with
    ``labels`` (N,), in float64. The NLL is convex in 1/T, so bisecting its slope finds the only
    minimum; the range bounds T where there is none, as for logits that are right every time.
    Raises InkdigitsError if there are no logits, or if they are not finite.
    """
    scores = np.asarray(logits, np.float64)
    truth = np.asarray(labels, np.intp)
    if not len(scores):
        raise InkdigitsError("there are no validation images to calibrate on; hold some out")
    if not np.isfinite(scores).all():
        raise InkdigitsError(DIVERGED)
    scores = scores - scores.max(axis=1, keepdims=True)
    target = scores[np.arange(len(scores)), truth].mean()
    low, high = math.log(COOLEST), math.log(HOTTEST)
    for _ in range(60):  # halves the range to below float64's own spacing
        middle = (low + high) / 2
        slope = _mean_logit(scores, math.exp(-middle)) - target  # of the NLL, along 1/T
        if slope == 0:
            low = high = middle
        elif slope > 0:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def _mean_logit(scores: NDArray[np.float64], inverse: float) -> float:
    """Average the logits under their own softmax(scores * inverse), then over the images."""
    weights = np.exp(scores * inverse)
    return float(((weights * scores).sum(axis=1) / weights.sum(axis=1)).mean())


def refusal_threshold(probabilities: ArrayLike, answered: float = 0.99) -> float:
    """Return the largest threshold at which the share ``answered`` of the images is answered.

    An image of ``probabilities`` (N, 10) is answered when its highest one reaches the threshold.
    """
    top = np.sort(np.asarray(probabilities).max(axis=1))[::-1]
    count = math.ceil(answered * len(top) - 1e-9)  # the margin forgives 0.07 * 100 > 7
    return float(top[max(count, 1) - 1])
