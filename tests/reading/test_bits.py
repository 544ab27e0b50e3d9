import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkdigits.reading.bits import join_bits
from inkdigits.reading.pieces import Piece, find_pieces

HEIGHT = 40.0


def solid(top, left, height, width):
    return Piece(top, left, np.ones((height, width), np.bool_))


def boxes(pieces):
    return sorted((p.top, p.left, p.height, p.width) for p in pieces)


def dots(count=4, size=9, gap=2, width=7):
    """A stroke from top to bottom, in bits."""
    return [solid(10 + n * (size + gap), 20, size, width) for n in range(count)]


def test_bits_one_above_another_are_a_digit():
    digit = solid(10, 60, 40, 30)
    assert boxes(join_bits([digit, *dots()], HEIGHT)) == [(10, 20, 42, 7), (10, 60, 40, 30)]


def test_bits_of_two_digits_are_two_digits():
    beside = [Piece(bit.top, bit.left + 20, bit.mask) for bit in dots()]
    assert boxes(join_bits(dots() + beside, HEIGHT)) == [(10, 20, 42, 7), (10, 40, 42, 7)]


@pytest.mark.parametrize(
    "bits",
    [
        dots(gap=11),  # too far from one another
        dots(count=2, size=20),  # the reader tries two together anyway
        dots(width=2),  # a thin dashed line
        dots(count=12),  # longer than a digit
        dots(count=3, size=4),  # lower than one
        [solid(10 + n * 9, 20 + n % 2 * 9, 3, 3) for n in range(4)],  # specks
        [solid(10 + n * 9, 20 + n % 2 * 9, 8, 8) for n in range(4)],  # large specks
        [solid(10, 20 + n * 8, 28, 5) for n in range(3)],  # small digits, close to each other
        [],
    ],
)
def test_other_small_ink_stays_apart(bits):
    assert boxes(join_bits(bits, HEIGHT)) == boxes(bits)


@given(
    st.lists(st.tuples(*(st.integers(0, 60),) * 2, *(st.integers(1, 25),) * 2), max_size=12),
    st.floats(0, 80),
)
def test_ink_is_neither_lost_nor_made(places, height):
    page = np.zeros((90, 90), np.bool_)
    for top, left, tall, wide in places:
        page[top : top + tall, left : left + wide] = True
    pieces = find_pieces(page)
    ink = np.zeros(page.shape, np.intp)
    for piece in join_bits(pieces, height):
        ink[piece.top : piece.bottom, piece.left : piece.right] += piece.mask
    assert ink.max(initial=0) <= 1
    assert ink.sum() == sum(int(piece.mask.sum()) for piece in pieces)
