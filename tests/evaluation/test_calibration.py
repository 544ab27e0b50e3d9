import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkdigits.evaluation.calibration import BINS, calibration_curve, calibration_error


def draw(n, seed, power=1.0):
    """Confidences of which ``power`` 1 are kept to the word, above 1 are too high."""
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.3, 1, n)
    return generator.random(n) < confidence**power, confidence


def test_error_by_hand():
    right = np.array([True, False, True, True])
    confidence = np.array([0.5, 0.6, 0.8, 0.9])
    # Bins (0.5, 0.6) and (0.8, 0.9): |0.5 − 0.55| and |1 − 0.85|, of two readings each.
    estimate, _ = calibration_error(right, confidence, bins=2)
    assert estimate == pytest.approx(0.1)
    first, last = calibration_curve(right, confidence, bins=2)
    assert (first.count, first.confidence, first.accuracy) == pytest.approx((2, 0.55, 0.5))
    assert (last.count, last.confidence, last.accuracy) == pytest.approx((2, 0.85, 1.0))


def test_equal_confidences_share_a_bin():
    (only,) = calibration_curve(np.array([True, False, True, False]), np.full(4, 0.9))
    assert (only.count, only.accuracy) == (4, 0.5)


@pytest.mark.parametrize("n", [15, 1_000, 1_007])
def test_bins_are_of_equal_mass(n):
    counts = [bin_.count for bin_ in calibration_curve(*draw(n, 0))]
    assert len(counts) == BINS
    assert sum(counts) == n
    assert max(counts) - min(counts) <= 1


def test_fewer_readings_than_bins():
    assert [bin_.count for bin_ in calibration_curve(*draw(4, 0))] == [1, 1, 1, 1]
    estimate, interval = calibration_error(np.array([True]), np.array([0.7]))
    assert estimate == pytest.approx(0.3)
    assert interval[0] <= estimate <= interval[1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
def test_error_lies_within_its_interval(seed, n):
    estimate, (low, high) = calibration_error(*draw(n, seed), resamples=20)
    assert 0 <= low <= estimate <= high <= 1


def test_calibrated_readings_have_a_small_error_whose_interval_mostly_reaches_zero():
    results = [calibration_error(*draw(5_000, seed), resamples=100) for seed in range(20)]
    assert max(estimate for estimate, _ in results) < 0.04
    assert sum(low == 0 for _, (low, _) in results) >= 16


def test_overconfident_readings_are_found_out():
    # The share right is c², so the error is the mean of c − c² over 0.3–1: 0.6500 − 0.4633.
    results = [calibration_error(*draw(5_000, seed, power=2), resamples=200) for seed in range(20)]
    assert np.mean([estimate for estimate, _ in results]) == pytest.approx(0.1867, abs=0.01)
    assert sum(low <= 0.1867 <= high for _, (low, high) in results) >= 16


def test_same_seed_same_interval():
    assert calibration_error(*draw(200, 1)) == calibration_error(*draw(200, 1))
