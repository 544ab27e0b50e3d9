import numpy as np
import pytest

from inkdigits.reading.ink import Ink
from inkdigits.reading.pieces import find_pieces, usual


def height(mask):
    contrast = mask.astype(np.float32)
    return usual(find_pieces(mask), Ink(contrast, contrast, mask, mask, (1.0, 1.0))).height


@pytest.fixture
def desk():
    """A desk seen on three sides of a page."""
    mask = np.zeros((300, 400), np.bool_)
    mask[2:, :60] = mask[2:20] = mask[-20:] = True
    return mask


def test_a_desk_around_the_page_is_no_usual_digit(desk):
    for left in range(100, 400, 60):
        desk[100:150, left : left + 15] = True
    assert height(desk) == 50


def test_a_digit_up_to_the_edge_is_not_made_unusual_by_specks(desk):
    desk[100:103, 200:203] = True
    assert height(desk) == 298
