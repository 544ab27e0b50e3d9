import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from inkdigits.errors import DataError
from inkdigits.evaluation.metrics import (
    class_scores,
    confusion_matrix,
    evaluate,
    log_loss,
    wilson_interval,
)


def sure(predicted, confidence=0.91):
    """Probabilities that give ``confidence`` to each predicted digit, the rest shared."""
    rows = np.full((len(predicted), 10), (1 - confidence) / 9, np.float32)
    rows[np.arange(len(predicted)), predicted] = confidence
    return rows


cases = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 9), min_size=n, max_size=n),
        st.lists(st.integers(0, 9), min_size=n, max_size=n),
    )
)


def test_wilson_interval_of_newcombe_1998():
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_equals_scipys(case):
    successes, n = case
    theirs = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_confusion_has_true_labels_on_rows():
    matrix = confusion_matrix(np.array([2, 2, 2, 9], np.uint8), np.array([7, 7, 2, 4]))
    assert matrix[2, 7] == 2
    assert matrix[7, 2] == 0
    assert matrix[2, 2] == matrix[9, 4] == 1
    assert matrix.sum() == 4


def test_precision_and_recall_by_hand():
    labels = np.array([0, 0, 0, 0, 1, 1, 2], np.uint8)
    predicted = np.array([0, 0, 0, 1, 1, 3, 3])
    scores = class_scores(confusion_matrix(labels, predicted))
    assert [(s.precision, s.recall, s.support) for s in scores[:5]] == [
        (1.0, 0.75, 4),
        (0.5, 0.5, 2),
        (None, 0.0, 1),  # never read as 2
        (0.0, None, 0),  # no 3 among the images
        (None, None, 0),
    ]
    assert scores[0].recall_interval == pytest.approx(wilson_interval(3, 4))


def test_log_loss_by_hand_and_clipped():
    probabilities = np.array([[0.5, 0.5] + [0] * 8, [0, 1] + [0] * 8], np.float32)
    labels = np.array([0, 0], np.uint8)
    expected = (np.log(2) - np.log(np.finfo(np.float32).eps)) / 2
    assert log_loss(labels, probabilities) == pytest.approx(expected)


def test_evaluation_by_hand():
    labels = np.array([2, 2, 9, 5], np.uint8)
    probabilities = np.concatenate([sure([2, 7], 0.6), sure([4, 5], 0.9)])
    result = evaluate(labels, probabilities)
    assert (result.n, result.correct, result.accuracy) == (4, 2, 0.5)
    assert result.errors.tolist() == [2, 1]  # 0.9 sure of the 4, then 0.6 sure of the 7
    assert result.confusions() == [(2, 7, 1), (9, 4, 1)]
    assert result.confidence.mean == pytest.approx(0.75)
    assert result.confidence.median == pytest.approx(0.75)
    assert result.nll == pytest.approx(-np.log([0.6, 0.4 / 9, 0.1 / 9, 0.9]).mean(), rel=1e-6)


def test_confusions_are_ordered_by_count():
    labels = np.array([2, 2, 1, 3], np.uint8)
    assert evaluate(labels, sure([7, 7, 3, 1])).confusions() == [(2, 7, 2), (1, 3, 1), (3, 1, 1)]


@settings(max_examples=30)
@given(cases)
def test_laws_of_the_confusion_matrix(case):
    labels, predicted = np.array(case[0], np.uint8), np.array(case[1])
    result = evaluate(labels, sure(predicted))
    assert result.confusion.sum() == result.n == len(labels)
    assert result.confusion.sum(axis=1).tolist() == [s.support for s in result.per_class]
    assert result.confusion.sum(axis=0).tolist() == np.bincount(predicted, minlength=10).tolist()
    assert result.correct + len(result.errors) == result.n
    assert sum(count for _, _, count in result.confusions()) == len(result.errors)
    assert result.interval[0] <= result.accuracy <= result.interval[1]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_order_of_the_images_changes_no_figure(seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, 80).astype(np.uint8)
    # Few distinct rows, so that many confidences are tied.
    probabilities = generator.dirichlet(np.full(10, 0.3), 5).astype(np.float32)[labels // 2]
    order = generator.permutation(80)
    one = evaluate(labels, probabilities)
    other = evaluate(labels[order], probabilities[order])
    assert one.confusion.tolist() == other.confusion.tolist()
    assert one.ece == pytest.approx(other.ece)
    assert one.nll == pytest.approx(other.nll)
    assert set(order[other.errors]) == set(one.errors)


def test_to_json_is_strict_json_with_the_promised_keys():
    result = evaluate(np.array([3], np.uint8), sure([3]))
    text = json.dumps(result.to_json(), allow_nan=False)
    back = json.loads(text)
    assert back.keys() >= {
        "n", "accuracy", "interval", "per_class", "confusion", "ece", "ece_interval", "nll"
    }  # fmt: skip
    assert back["per_class"][3]["support"] == 1
    assert back["per_class"][4] == {
        "label": 4, "precision": None, "recall": None, "recall_interval": None, "support": 0
    }  # fmt: skip


def test_equal_input_gives_equal_output():
    labels, probabilities = np.arange(10, dtype=np.uint8), sure([0, 1, 2, 3, 4, 5, 6, 7, 8, 0])
    assert evaluate(labels, probabilities).to_json() == evaluate(labels, probabilities).to_json()


@pytest.mark.parametrize(
    ("labels", "probabilities", "part"),
    [
        (np.zeros(0, np.uint8), np.zeros((0, 10), np.float32), "no images"),
        (np.zeros(2, np.uint8), sure([1]), r"\(2, 10\)"),
        (np.zeros(1, np.uint8), np.ones((1, 9), np.float32) / 9, r"\(1, 10\)"),
        (np.zeros(1, np.uint8), np.array([[1] + [0] * 9]), "int"),
        (np.array([10]), sure([1]), "label 10"),
        (np.zeros(2, np.uint8), np.array([sure([1])[0], [np.nan] * 10], np.float32), "row 1"),
        (np.zeros(1, np.uint8), np.array([[np.inf, -np.inf] + [0] * 8], np.float32), "row 0"),
        (np.zeros(1, np.uint8), 5 * sure([1]), "logits"),
        (np.zeros(1, np.uint8), np.array([[1.5, -0.5] + [0] * 8], np.float32), "row 0"),
    ],
)
def test_bad_input_is_one_clear_line(labels, probabilities, part):
    with pytest.raises(DataError, match=part) as caught:
        evaluate(labels, probabilities)
    assert "\n" not in str(caught.value)
