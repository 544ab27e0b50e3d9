import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from inkdigits.errors import InkdigitsError
from inkdigits.training.calibration import calibrate, fit_temperature, refusal_threshold


def nll(logits, labels, temperature):
    return -log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean()


def draw(seed, count, temperature=1.0):
    """Logits, and labels drawn from softmax(logits / temperature)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (count, 10))
    cumulative = softmax(logits / temperature, axis=1).cumsum(axis=1)
    return logits, (cumulative < rng.random((count, 1))).sum(axis=1).clip(max=9)


@given(st.integers(0, 2**32), st.floats(0.3, 3))
def test_it_is_where_an_independent_search_finds_the_least_nll(seed, temperature):
    logits, labels = draw(seed, 300, temperature)
    found = minimize_scalar(
        lambda log: nll(logits, labels, np.exp(log)),
        bounds=(np.log(0.1), np.log(10)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert fit_temperature(logits, labels) == pytest.approx(np.exp(found.x), rel=1e-5)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_it_recovers_the_temperature_that_labels_were_drawn_at(temperature):
    assert fit_temperature(*draw(0, 20_000, temperature)) == pytest.approx(temperature, rel=0.03)


@given(st.integers(0, 2**32), st.floats(0.5, 2))
def test_scaling_the_logits_scales_the_temperature(seed, scale):
    logits, labels = draw(seed, 200)
    found = fit_temperature(logits * scale, labels)
    assert found == pytest.approx(fit_temperature(logits, labels) * scale, rel=1e-9)


def test_the_extremes_stay_in_range():
    labels = np.arange(10)
    assert fit_temperature(np.eye(10) * 20, labels) == pytest.approx(0.1)  # all right
    assert fit_temperature(-np.eye(10) * 20, labels) == pytest.approx(10)  # all wrong
    assert fit_temperature(np.zeros((10, 10)), labels) == pytest.approx(1)  # says nothing
    assert fit_temperature(np.eye(10) * 1e6, labels) == pytest.approx(1)  # no T is any better


def test_logits_of_other_types_give_the_same():
    logits, labels = draw(3, 500)
    logits = logits.astype(np.float32)
    found = fit_temperature(torch.from_numpy(logits), torch.from_numpy(labels.astype(np.uint8)))
    assert found == fit_temperature(logits, labels)


def test_outputs_that_diverged_are_named():
    with pytest.raises(InkdigitsError, match="diverged"):
        fit_temperature(np.full((3, 10), np.nan), np.zeros(3, np.uint8))


def test_no_images_are_named():
    with pytest.raises(InkdigitsError, match="no validation images"):
        fit_temperature(np.empty((0, 10)), np.empty(0, np.uint8))


@given(st.integers(0, 2**32), st.integers(1, 400), st.floats(0.01, 1), st.booleans())
def test_the_threshold_is_the_largest_that_answers_enough(seed, count, answered, ties):
    probabilities = softmax(draw(seed, count)[0], axis=1).astype(np.float32)
    if ties:
        probabilities = probabilities.round(1)
    threshold = refusal_threshold(probabilities, answered)
    top = probabilities.max(axis=1)
    assert (top >= threshold).mean() >= answered - 1e-9
    assert (top > threshold).mean() < answered


@pytest.mark.parametrize(("answered", "refused"), [(1.0, 0), (0.99, 1), (0.07, 93)])
def test_the_threshold_refuses_exactly_the_rest(answered, refused):
    top = np.linspace(0.5, 0.9, 100)
    probabilities = np.stack([top, 1 - top], axis=1)
    assert (top < refusal_threshold(probabilities, answered)).sum() == refused


def test_calibrated_by_both_and_refused_by_the_clean_ones():
    logits, labels = draw(5, 400)
    harder = draw(5, 400, 3.0)[0] * 2
    temperature, threshold = calibrate(logits, labels, harder)
    both = np.concatenate([logits, harder])
    assert temperature == pytest.approx(fit_temperature(both, np.tile(labels, 2)))
    assert temperature != pytest.approx(fit_temperature(logits, labels), rel=0.01)
    top = softmax(logits / temperature, axis=1).max(axis=1)
    assert threshold == pytest.approx(refusal_threshold(top[:, None]))
    assert calibrate(logits, labels)[0] == fit_temperature(logits, labels)
