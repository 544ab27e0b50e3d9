import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inkdigits.reading.pieces import Piece
from inkdigits.reading.touching import STROKE, cut_up


def rings(bridge):
    """Two rings 60 high, side by side, grown together where a bridge so thick joins them."""
    y, x = np.mgrid[:60, :110]
    ring = [abs(np.hypot(x - middle, y - 30) - 24) < 4 for middle in (28, 82)]
    return ring[0] | ring[1] | ((abs(y - 30) < bridge) & (abs(x - 55) < 6))


def test_rings_are_cut_where_they_touch():
    piece = Piece(10, 20, rings(2))
    parts, cuts = cut_up(piece, 60)
    assert abs(parts[int(np.argmin(cuts))].right - (20 + 55)) < 8


def test_each_stroke_that_a_cut_goes_through_counts():
    bars = np.zeros((60, 100), np.bool_)
    bars[10:16] = bars[44:50] = bars[:, :8] = bars[:, 92:] = True
    _, two = cut_up(Piece(0, 0, bars), 60)
    bars[44:50, 20:80] = False
    _, one = cut_up(Piece(0, 0, bars), 60)
    np.testing.assert_allclose(two, 2 * (6 / 60 + STROKE), atol=0.05)
    np.testing.assert_allclose(one, 6 / 60 + STROKE, atol=0.05)


def test_what_is_narrow_is_left_whole():
    piece = Piece(0, 0, rings(2)[:, :44])
    assert cut_up(piece, 60) == ([piece], [])


@settings(max_examples=30)
@given(arrays.arrays(np.bool_, st.tuples(st.integers(2, 40), st.integers(2, 80))))
def test_parts_put_together_are_the_piece(mask):
    mask[0, 0] = mask[-1, -1] = True
    piece = Piece(3, 5, mask)
    parts, cuts = cut_up(piece, mask.shape[0])
    assert len(cuts) == len(parts) - 1
    together = np.zeros_like(mask, int)
    for part in parts:
        box = slice(part.top - 3, part.bottom - 3), slice(part.left - 5, part.right - 5)
        together[box] += part.mask
    np.testing.assert_array_equal(together, mask)


def test_alone_on_its_picture_ink_as_wide_as_a_letter_is_left_whole():
    letter = np.zeros((60, 50), np.bool_)
    letter[:, :8] = letter[:, 42:] = letter[26:34] = True
    piece = Piece(0, 0, letter)
    assert cut_up(piece, 60, alone=True) == ([piece], [])
    assert len(cut_up(piece, 60)[0]) > 1
    assert len(cut_up(Piece(0, 0, rings(2)), 60, alone=True)[0]) > 1


def test_alone_on_its_picture_a_stroke_just_begun_is_left_whole():
    x = np.arange(120)
    arc = abs(np.arange(40)[:, None] - 30 + 24 * np.sin(x * np.pi / 120)) < 7
    piece = Piece(0, 0, arc)
    assert cut_up(piece, 40, alone=True) == ([piece], [])
    assert len(cut_up(piece, 40)[0]) > 1
