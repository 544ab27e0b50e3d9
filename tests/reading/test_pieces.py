import numpy as np

from inkdigits.reading.ink import Ink
from inkdigits.reading.pieces import find_pieces, usual


def test_what_runs_through_the_whole_picture_is_no_usual_digit():
    mask = np.zeros((300, 400), np.bool_)
    mask[:, :60] = mask[:20] = mask[-20:] = True  # a desk on three sides
    for left in (100, 160, 220):
        mask[100:150, left : left + 8] = True
    contrast = mask.astype(np.float32)
    page = usual(find_pieces(mask), Ink(contrast, contrast, mask, mask, (1.0, 1.0)))
    assert page.height == 50
