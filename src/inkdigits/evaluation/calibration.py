"""How far confidences keep their word: 90 of 100 readings called 90 % sure should be right.

``right`` is bool (N,), ``confidence`` float64 (N,), both for the digit that was read. Bins are of
equal mass, not of equal width: a good reader puts nearly all of its confidences above 0.99, which
bins of equal width would pour into one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
RESAMPLES = 1_000


@dataclass(frozen=True)
class Bin:
    """Readings of about equal confidence: how many, their mean confidence, the share right."""

    count: int
    confidence: float
    accuracy: float


def calibration_curve(
    right: NDArray[np.bool_], confidence: NDArray[np.float64], bins: int = BINS
) -> tuple[Bin, ...]:
    """Sort readings into at most ``bins`` bins of nearly equal size, the least confident first.

    Equal confidences share a bin, so the order of the images never matters; with many of them (a
    reader that is always sure) there are fewer, larger bins.
    """
    place = _places(confidence, bins)
    counts = np.bincount(place)
    means = np.bincount(place, confidence) / counts
    shares = np.bincount(place, right) / counts
    return tuple(
        Bin(int(n), float(m), float(s)) for n, m, s in zip(counts, means, shares, strict=True)
    )


def calibration_error(
    right: NDArray[np.bool_],
    confidence: NDArray[np.float64],
    bins: int = BINS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, tuple[float, float]]:
    """Return the expected calibration error, 0–1, and its 95 % bootstrap interval.

    The error is the mean over readings of |share right − mean confidence| in their bin (Naeini et
    al. 2015, here with equal-mass bins). Chance alone makes it greater than zero, and resampling
    adds that excess a second time; the interval is therefore the basic one, 2 × estimate −
    quantile (as in Kumar et al. 2019), kept within 0–1 and widened to hold the estimate. It begins
    at 0 where a perfectly calibrated reader would show such an error in 1 of 20 samples or more
    (consistency resampling, Bröcker and Smith 2007). The bins stay those of the whole sample.
    """
    place = _places(confidence, bins)
    gap = right - confidence
    n, groups = len(gap), int(place.max()) + 1

    def error(places: NDArray[np.int64], gaps: NDArray[np.float64]) -> float:
        return float(np.abs(np.bincount(places, gaps, groups)).sum() / n)

    estimate = error(place, gap)
    generator = np.random.default_rng(seed)
    drawn, chance = np.empty(resamples), np.empty(resamples)
    for i in range(resamples):
        sample = generator.integers(0, n, n)
        drawn[i] = error(place[sample], gap[sample])
        chance[i] = error(place, (generator.random(n) < confidence) - confidence)
    low, high = 2 * estimate - np.quantile(drawn, [0.975, 0.025])
    if estimate <= np.quantile(chance, 0.95):
        low = 0.0
    return estimate, (float(np.clip(low, 0, estimate)), float(np.clip(high, estimate, 1)))


def _places(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Give each reading the number of its bin, int64 (N,), counted from 0 without gaps."""
    n = len(confidence)
    first = np.unique(np.arange(bins) * n // bins)
    edges = np.unique(np.sort(confidence)[first])
    return np.searchsorted(edges, confidence, side="right") - 1
