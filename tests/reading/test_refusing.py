import numpy as np
import pytest

from inkdigits.reading.refusing import IN_WORD, refusal, refusals


def shares(*pairs):
    """Ten probabilities: what the pairs of digit and share leave is spread evenly."""
    digits = dict(pairs)
    rest = (1 - sum(digits.values())) / (10 - len(digits))
    return np.array([digits.get(digit, rest) for digit in range(10)], np.float32)


SURE = shares((3, 0.99))
EITHER = shares((4, 0.6), (9, 0.38))
OPEN = shares((4, 0.45), (9, 0.4), (7, 0.15))
LETTER = shares((4, 0.55), (9, 0.15), (7, 0.1))


def answered(*line):
    return [reason is None for reason in refusals(line, [False] * len(line), 0.96)]


def test_alone_one_digit_must_be_likely():
    assert refusal(SURE, 0.96) is None
    assert refusal(EITHER, 0.96) == "unsure: it may be 4 (60%) or 9 (38%)"
    assert answered(EITHER) == [False]


def test_among_sure_digits_one_of_a_few_is_answered_if_likelier_than_not():
    assert answered(SURE, EITHER, SURE) == [True] * 3
    assert answered(SURE, OPEN, SURE) == [True, False, True]


def test_what_looks_like_many_digits_is_refused_among_sure_ones_too():
    assert answered(SURE, LETTER, SURE) == [True, False, True]
    assert answered(SURE, np.full(10, 0.1, np.float32), SURE) == [True, False, True]


@pytest.mark.parametrize("line", [[SURE, EITHER], [SURE, EITHER, EITHER], [EITHER] * 3])
def test_one_sure_digit_makes_no_line(line):
    assert answered(*line) == [probabilities is SURE for probabilities in line]


def test_half_of_a_line_must_be_sure():
    assert answered(SURE, SURE, EITHER, EITHER) == [True] * 4
    assert answered(SURE, SURE, EITHER, LETTER, LETTER) == [True, True, False, False, False]


def test_a_line_of_nothing():
    assert refusals([], [], 0.96) == []


def test_what_stands_among_letters_is_refused_and_makes_no_line_of_digits():
    reasons = refusals([SURE, LETTER, SURE, EITHER, SURE], [True, True, False, False, False], 0.96)
    assert reasons == [IN_WORD, IN_WORD, None, None, None]
    assert refusals([SURE, SURE, EITHER], [True, True, False], 0.96)[2] is not None
