import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkdigits.reading.page import Spot
from inkdigits.reading.refusing import IN_WORD, refusal, refusals


def shares(*pairs):
    """Ten probabilities: what the pairs of digit and share leave is spread evenly."""
    digits = dict(pairs)
    rest = (1 - sum(digits.values())) / (10 - len(digits))
    return np.array([digits.get(digit, rest) for digit in range(10)], np.float32)


SURE = shares((3, 0.99))
EITHER = shares((4, 0.6), (9, 0.38))
OPEN = shares((4, 0.45), (9, 0.4), (7, 0.15))
ODD = shares((4, 0.55), (9, 0.15), (7, 0.1))  # one of a few, or none
NONE = np.full(10, 0.1, np.float32)


def spots(*line, letter=False):
    ink = np.zeros((28, 28), np.uint8)
    return [Spot((0, 0, 1, 1), ink, probabilities, letter) for probabilities in line]


def answered(*line, page=()):
    reasons = refusals([spots(*line), *(spots(*other) for other in page)], 0.96)
    return [reason is None for reason in reasons[0]]


def test_alone_one_digit_must_be_likely():
    assert refusal(SURE, 0.96) is None
    assert refusal(EITHER, 0.96) == "unsure: it may be 4 (60%) or 9 (38%)"
    assert answered(EITHER) == [False]


def test_among_sure_digits_one_of_a_few_is_answered_if_likelier_than_not():
    assert answered(SURE, EITHER, SURE) == [True] * 3
    assert answered(SURE, OPEN, SURE) == [True, False, True]


def test_what_looks_like_many_digits_is_refused_among_sure_ones_too():
    assert answered(SURE, ODD, SURE) == [True, False, True]
    assert answered(SURE, NONE, SURE) == [True, False, True]


def test_on_a_page_full_of_digits_what_may_be_one_is():
    assert answered(SURE, ODD, SURE, page=[[SURE] * 5] * 4) == [True] * 3
    for none in (NONE, OPEN, shares((4, 0.3))):
        assert answered(SURE, none, SURE, page=[[SURE] * 100] * 9) == [True, False, True]


def test_the_more_of_a_page_is_no_digit_the_less_is_answered():
    assert answered(SURE, ODD, SURE, page=[[SURE, SURE, SURE, NONE, NONE]] * 4)[1] is False
    doubtful = shares((4, 0.55), (9, 0.3), (7, 0.1))
    assert answered(SURE, doubtful, SURE)[1] is True
    assert answered(SURE, doubtful, SURE, page=[[NONE] * 5] * 4)[1] is False
    word = spots(SURE, SURE, SURE, letter=True)  # as sure as they are, letters
    assert refusals([spots(SURE, doubtful, SURE), *[word] * 7], 0.96)[0][1] is not None


@given(
    st.lists(st.lists(st.floats(0.001, 1), min_size=10, max_size=10), min_size=1, max_size=9),
    st.lists(st.integers(0, 9), max_size=40),
)
def test_more_digits_elsewhere_lose_no_answer_and_more_that_is_none_gains_none(weights, others):
    line = [np.array(each, np.float32) ** 4 / np.sum(np.array(each) ** 4) for each in weights]
    alone = answered(*line)
    digits = answered(*line, page=[list(np.eye(10, dtype=np.float32)[others])])
    nothing = answered(*line, page=[[NONE] * len(others)])
    assert all(before <= after for before, after in zip(alone, digits, strict=True))
    assert all(before >= after for before, after in zip(alone, nothing, strict=True))


@pytest.mark.parametrize("line", [[SURE, EITHER], [SURE, EITHER, EITHER], [EITHER] * 3])
def test_one_sure_digit_makes_no_line(line):
    assert answered(*line) == [probabilities is SURE for probabilities in line]
    assert answered(*line, page=[[SURE] * 5] * 4) == answered(*line)


def test_half_of_a_line_must_be_sure():
    assert answered(SURE, SURE, EITHER, EITHER) == [True] * 4
    assert answered(SURE, SURE, EITHER, ODD, ODD) == [True, True, False, False, False]


def test_a_page_of_nothing():
    assert refusals([], 0.96) == []


def test_what_stands_among_letters_is_refused_and_makes_no_line_of_digits():
    letters = spots(SURE, ODD, letter=True)
    assert refusals([letters + spots(SURE, EITHER, SURE)], 0.96) == [
        [IN_WORD, IN_WORD, None, None, None]
    ]
    assert refusals([spots(SURE, SURE, letter=True) + spots(EITHER)], 0.96)[0][2] is not None
