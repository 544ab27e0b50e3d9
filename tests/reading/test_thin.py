import numpy as np
import pytest

from inkdigits.reading.ink import Ink
from inkdigits.reading.pieces import Usual, find_pieces
from inkdigits.reading.thin import with_thin_strokes


@pytest.fixture
def contrast():
    """A stroke that gets faint in its middle, 60 high, and a bold one 30 pixels to its right."""
    contrast = np.zeros((100, 120), np.float32)
    contrast[20:80, 30:34] = 0.4
    contrast[40:60, 30:34] = 0.3
    contrast[20:80, 64:74] = 1.0
    return contrast


def grown(contrast, ruling=None, paper=None):
    mask, faint = contrast > 0.35, contrast > 0.2
    paper = np.full_like(contrast, 200) if paper is None else paper
    ink = Ink(contrast, paper, mask, faint, (1.0, 1.0))
    ruling = np.zeros_like(mask) if ruling is None else ruling
    pieces = with_thin_strokes(find_pieces(mask), ink, ruling, Usual(60, 0.8, 160))
    return sorted((p.left, p.top, p.width, p.height) for p in pieces)


def test_a_stroke_goes_on_where_it_is_faint(contrast):
    assert grown(contrast) == [(30, 20, 4, 60), (64, 20, 10, 60)]


def test_ruling_is_not_followed(contrast):
    contrast[90:92] = 0.3
    contrast[80:92, 31:33] = 0.3
    ruling = np.zeros(contrast.shape, np.bool_)
    ruling[88:94] = True
    assert grown(contrast, ruling) == [(30, 20, 4, 68), (64, 20, 10, 60)]


def test_bold_strokes_do_not_take_in_what_is_faint(contrast):
    contrast[48:52, 74:90] = 0.4  # ink of its own, as it is darker than all is here
    contrast[48:52, 90:100] = 0.3
    assert (64, 20, 26, 60) in grown(contrast)


def test_pieces_do_not_grow_together(contrast):
    contrast[48:52, 34:64] = 0.3
    assert [width for _, _, width, _ in grown(contrast)] == [28, 10]


def test_the_dark_beside_the_page_is_not_followed(contrast):
    paper = np.full_like(contrast, 200)
    paper[40:60, :60] = 20
    assert grown(contrast, paper=paper) == [(30, 20, 4, 20), (30, 60, 4, 20), (64, 20, 10, 60)]


def test_a_picture_of_long_stripes_is_left_as_it_is(contrast):
    contrast[:, ::4] = 0.4
    contrast[40:60, 30:34] = 0.3
    assert len(grown(contrast)) == len(find_pieces(contrast > 0.35))
