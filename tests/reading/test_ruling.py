import numpy as np
import pytest

from inkdigits.reading.ink import Ink
from inkdigits.reading.ruling import without_ruling


def ruled(strokes, *, line=0.3):
    """Ink of contrast 0.9 where ``strokes`` are, on three level lines, two pixels thick."""
    contrast = np.zeros((300, 600), np.float32)
    for top in (70, 150, 230):
        contrast[top : top + 2] = line
    contrast[strokes] = 0.9
    return Ink(contrast, np.ones_like(contrast), contrast > 0.1, (1.0, 1.0))


@pytest.fixture
def strokes():
    """An upright stroke through a line, and a thin one that runs along the line."""
    mask = np.zeros((300, 600), np.bool_)
    mask[130:190, 100:106] = mask[150:152, 300:340] = True
    return mask


def test_lines_go_and_strokes_across_and_along_them_stay(strokes):
    np.testing.assert_array_equal(without_ruling(ruled(strokes), 60), strokes)


def test_upright_lines_go_as_well(strokes):
    ink = ruled(strokes)
    turned = Ink(ink.contrast.T, ink.paper.T, ink.mask.T, ink.scale)
    np.testing.assert_array_equal(without_ruling(turned, 60), strokes.T)


def test_lines_as_dark_as_the_ink_go_where_no_stroke_crosses(strokes):
    clean = without_ruling(ruled(strokes, line=0.9), 60)
    assert clean[130:190, 100:106].all()
    assert not clean[150:152].any(where=~strokes[150:152])
