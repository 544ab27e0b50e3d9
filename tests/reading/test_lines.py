import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkdigits.reading.lines import find_lines
from inkdigits.reading.pieces import Piece

INK = np.ones((40, 20), np.bool_)


def pieces(slope, dx=0, dy=0):
    """Three lines of five digits, in reading order."""
    return [
        Piece(round(dy + 300 + 70 * row + slope * 45 * column), dx + 45 * column, INK)
        for row in range(3)
        for column in range(5)
    ]


@pytest.mark.parametrize("slope", [-0.3, -0.1, 0, 0.1, 0.3])
def test_lines_come_in_reading_order(slope):
    truth = pieces(slope)
    mixed = [truth[n] for n in np.random.default_rng(0).permutation(len(truth))]
    assert find_lines(mixed, 40) == [truth[:5], truth[5:10], truth[10:]]


@given(st.permutations(range(15)), st.integers(0, 5000), st.integers(0, 5000))
def test_neither_place_nor_order_matters(order, dx, dy):
    truth = pieces(0.05, dx, dy)
    lines = find_lines([truth[n] for n in order], 40)
    assert lines == [truth[:5], truth[5:10], truth[10:]]


def test_a_small_piece_goes_to_the_nearest_line():
    bar = Piece(302, 62, np.ones((5, 14), np.bool_))
    lines = find_lines([*pieces(0), bar], 40)
    assert [len(line) for line in lines] == [6, 5, 5]
    assert bar in lines[0]


def test_nothing_makes_no_lines():
    assert find_lines([], 0) == []


def test_columns_are_read_row_by_row():
    columns = [
        Piece(300 + 90 * row + jitter, 45 * column + 500 * right, INK)
        for row in range(4)
        for right, jitter in ((0, 8 * (-1) ** row), (1, 0))
        for column in range(3)
    ]
    lines = find_lines(columns, 40)
    assert lines == [columns[n : n + 3] for n in range(0, len(columns), 3)]


def test_thousands_of_digits_take_little_memory():
    many = [Piece(60 * row, 45 * column, INK) for row in range(50) for column in range(60)]
    tracemalloc.start()
    lines = find_lines(many, 40)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(line) for line in lines] == [60] * 50
    assert peak < 64 * 2**20
