import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkdigits.training.recipe import REPORT, OneCycle
from inkdigits.training.schedule import Annealer, one_cycle


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing():
    schedule = OneCycle(warm_up=0.25)
    rates = [one_cycle(schedule, 8.0, share) for share in (0, 0.125, 0.25, 0.625, 1)]
    assert rates == pytest.approx([0, 4, 8, 4, 0])


def test_one_cycle_may_end_above_nothing():
    schedule = OneCycle(warm_up=0.25, end=0.5)
    rates = [one_cycle(schedule, 8.0, share) for share in (0, 0.125, 0.25, 0.625, 1)]
    assert rates == pytest.approx([0, 4, 8, 6, 4])


@given(warm_up=st.floats(0.01, 0.99), end=st.floats(0, 1), share=st.floats(0, 1))
def test_one_cycle_stays_between_nothing_and_its_peak(warm_up, end, share):
    assert 0 <= one_cycle(OneCycle(warm_up, end), 3.0, share) <= 3.0 + 1e-9


def keras_plateau(accuracies, rate, factor, patience, floor, min_delta=1e-4):
    """The published rule of ReduceLROnPlateau (mode max, no cooldown), rate after each epoch."""
    best, wait, rates = -np.inf, 0, []
    for accuracy in accuracies:
        if accuracy - min_delta > best:
            best, wait = accuracy, 0
        else:
            wait += 1
            if wait >= patience and rate > floor:
                rate, wait = max(rate * factor, floor), 0
        rates.append(rate)
    return rates


@given(st.lists(st.integers(0, 40), max_size=80))
def test_annealer_follows_its_published_rule(hundredths):
    accuracies = [0.95 + h / 1000 for h in hundredths]
    annealer = Annealer(1e-3)
    rates = []
    for accuracy in accuracies:
        annealer.step(REPORT.schedule, accuracy)
        rates.append(annealer.learning_rate)
    assert rates == keras_plateau(accuracies, 1e-3, 0.5, 3, 1e-5)


def test_annealer_halves_after_three_epochs_without_gain_and_stops_at_its_floor():
    annealer = Annealer(1e-3)
    for accuracy in [0.9, 0.9, 0.9, 0.9]:
        annealer.step(REPORT.schedule, accuracy)
    assert annealer.learning_rate == 5e-4
    for _ in range(100):
        annealer.step(REPORT.schedule, 0.9)
    assert annealer.learning_rate == 1e-5
