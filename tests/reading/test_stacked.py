import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inkdigits.reading.pieces import Piece
from inkdigits.reading.stacked import cut_stacked

Y, X = np.mgrid[:40, :30]
RING = np.abs(np.hypot((Y - 19.5) / 19.5, (X - 14.5) / 14.5) - 0.85) < 0.15


def digits(slope, *, skip=None):
    """Two lines of five rings 40 high, the lower one 44 rows below the upper."""
    places = [(line, column) for line in range(2) for column in range(5) if column != skip]
    return [
        Piece(round(100 + 44 * line + slope * 50 * column), 50 * column, RING)
        for line, column in places
    ]


def stacked(slope):
    """The third rings of both lines, grown together by a stroke between them."""
    mask = np.zeros((84, 30), np.bool_)
    mask[:40] |= RING
    mask[44:] |= RING
    mask[38:46, 13:17] = True
    return Piece(round(100 + slope * 100), 100, mask)


@pytest.mark.parametrize("slope", [-0.2, -0.05, 0, 0.05, 0.2])
def test_one_digit_on_another_is_cut_between_the_lines(slope):
    both, others = stacked(slope), digits(slope, skip=2)
    upper, lower = [p for p in cut_stacked([both, *others], 40) if p not in others]
    assert abs(upper.bottom - both.top - 42) <= 3
    assert abs(lower.top - both.top - 42) <= 3
    assert upper.mask.sum() + lower.mask.sum() == both.mask.sum()


def test_others_of_the_lower_line_may_stand_lower():
    both, others = stacked(0), digits(0, skip=2)
    lower = [Piece(p.top + 12, p.left, p.mask) if p.top > 120 else p for p in others]
    assert len(cut_stacked([both, *lower], 40)) == len(lower) + 2


def test_a_tall_digit_beside_others_stays_whole():
    tall = Piece(100, 100, np.repeat(RING, 2, axis=0))
    beside = [Piece(120, 50 * column, RING) for column in (0, 1, 3, 4)]
    assert cut_stacked([tall, *beside], 40) == [tall, *beside]


def test_with_a_line_beside_its_upper_half_only_it_stays_whole():
    both, others = stacked(0), digits(0, skip=2)[:4]
    assert cut_stacked([both, *others], 40) == [both, *others]


@settings(max_examples=30)
@given(arrays.arrays(np.bool_, st.tuples(st.integers(60, 110), st.integers(1, 60))))
def test_no_ink_is_lost_or_counted_twice(mask):
    mask[0, 0] = mask[-1, -1] = True
    page = np.zeros((300, 300), int)
    for piece in cut_stacked([Piece(100, 100, mask), *digits(0, skip=2)], 40):
        page[piece.top : piece.bottom, piece.left : piece.right] += piece.mask
    for piece in digits(0, skip=2):
        page[piece.top : piece.bottom, piece.left : piece.right] -= piece.mask
    np.testing.assert_array_equal(page[100 : 100 + len(mask), 100 : 100 + mask.shape[1]], mask)
