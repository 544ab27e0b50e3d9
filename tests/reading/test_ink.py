"""What is ink, on paper that is the same all over and on other paper."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inkdigits.reading import ink
from inkdigits.reading.ink import find_ink


def drawing(paper=255, pen=0, size=(300, 240)):
    picture = Image.new("L", size, paper)
    draw = ImageDraw.Draw(picture)
    draw.line([(60, 50), (150, 50), (90, 190)], fill=pen, width=14, joint="curve")
    draw.ellipse([190, 60, 250, 180], outline=pen, width=14)
    return picture


def pixels(picture):
    return np.asarray(picture)


@pytest.mark.parametrize(("paper", "pen"), [(255, 0), (0, 255), (200, 90), (60, 180)])
def test_on_even_paper_ink_is_what_is_drawn(paper, pen):
    picture = pixels(drawing(paper, pen))
    assert ink._even_paper(picture) is not None
    drawn = picture == pen
    found = find_ink(picture).mask
    assert (found & drawn).sum() > 0.97 * drawn.sum()
    assert (found & ~drawn).sum() < 0.1 * drawn.sum()


@pytest.mark.parametrize(("paper", "pen"), [(255, 0), (0, 255)])
def test_the_same_ink_is_found_where_the_paper_is_not_quite_even(paper, pen):
    even = pixels(drawing(paper, pen))
    spoilt = even.copy()
    spoilt[0, 7] ^= 1
    assert ink._even_paper(spoilt) is None
    one, other = find_ink(even).mask, find_ink(spoilt).mask
    assert (one != other).sum() < 0.03 * one.sum()


def test_a_shaded_field_is_paper_to_what_is_written_in_it():
    picture = Image.new("L", (400, 300), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([40, 40, 230, 180], fill=215)
    draw.line([(110, 80), (150, 80), (120, 150)], fill=20, width=6, joint="curve")
    assert ink._even_paper(pixels(picture)) is None
    found = find_ink(pixels(picture)).mask
    assert found[80, 130]
    assert not found[60:160, 165:200].any()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_sheet_has_no_ink(value):
    assert not find_ink(np.full((90, 120), value, np.uint8)).mask.any()
