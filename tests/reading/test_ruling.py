import numpy as np
import pytest

from inkdigits.reading.ink import Ink
from inkdigits.reading.ruling import find_ruling


def ruled(strokes, *, line=0.3):
    """Ink of contrast 0.9 where ``strokes`` are, on three level lines, two pixels thick."""
    contrast = np.zeros(strokes.shape, np.float32)
    for top in (70, 150, 230):
        contrast[top : top + 2] = line
    contrast[strokes] = 0.9
    return Ink(contrast, np.ones_like(contrast), contrast > 0.1, contrast > 0.1, (1.0, 1.0))


@pytest.fixture
def strokes():
    """An upright stroke through a line, and a thin one that runs along the line."""
    mask = np.zeros((300, 600), np.bool_)
    mask[130:190, 100:106] = mask[150:152, 300:340] = True
    return mask


def test_lines_are_found_and_strokes_across_and_along_them_are_none(strokes):
    ink = ruled(strokes)
    np.testing.assert_array_equal(find_ruling(ink, 60).ink, ink.mask & ~strokes)


def test_upright_lines_are_found_as_well(strokes):
    ink = ruled(strokes)
    turned = Ink(ink.contrast.T, ink.paper.T, ink.mask.T, ink.faint.T, ink.scale)
    np.testing.assert_array_equal(find_ruling(turned, 60).ink, (ink.mask & ~strokes).T)


def test_of_lines_as_dark_as_the_ink_strokes_across_stay(strokes):
    ruling = find_ruling(ruled(strokes, line=0.9), 60).ink
    assert not ruling[130:190, 100:106].any()
    assert ruling[150:152].all(where=~strokes[150:152])


def test_the_place_of_a_line_goes_on_through_strokes(strokes):
    place = find_ruling(ruled(strokes), 60).place
    assert place[150:152].all()
    assert not place[165:215].any()


def test_a_blank_page_has_none():
    blank = ruled(np.zeros((300, 600), np.bool_), line=0.0)
    assert not any(lines.any() for lines in find_ruling(blank, 60))
