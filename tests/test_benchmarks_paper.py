import io

import numpy as np
import paper
import pytest
from PIL import Image
from scipy import ndimage
from wrong_labels import WRONG_LABELS

from inkdigits.data import load


def strokes():
    """A bar four pixels wide, and from it a line that covers two fifths of a pixel's width."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 8:12] = 255
    image[8, 12:20] = 102
    return image


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_digit_on_paper_has_the_ink_that_each_pixel_had(scale):
    stamp = paper._stamp(strokes(), scale)
    again = np.asarray(Image.fromarray(stamp).reduce(scale)) * 255
    assert np.abs(again - strokes()[4:24, 8:20]).max() < 20


def test_its_thin_strokes_are_thin_and_not_broken():
    stamp = paper._stamp(strokes(), 8) > 0.5
    assert set(stamp[:, 40:88].sum(axis=0)) <= {2, 3, 4}
    assert ndimage.label(stamp[:, 40:])[1] == 1


def test_a_page_is_the_same_by_its_seed_and_its_boxes_hold_the_ink():
    scene = paper.Scene(hand="pen", width=800, lines=2, light=0, shadow=0, specks=0, desk=False)
    page = paper.draw_page(scene, 3)
    assert page == paper.draw_page(scene, 3)
    assert [len(boxes) for boxes in page.boxes] == [len(text) for text in page.texts]
    grey = np.asarray(Image.open(io.BytesIO(page.jpeg)).convert("L"))
    for x0, y0, x1, y1 in (np.rint(box).astype(int) for line in page.boxes for box in line):
        assert grey[y0:y1, x0:x1].min() < 120


@pytest.mark.parametrize(("kind", "from_the_top"), [("boxes", 0), ("comb", 40)])
def test_a_printed_cell_has_its_walls_and_nothing_within(kind, from_the_top):
    ink = np.zeros((100, 100))
    paper._print_cell(ink, 20, 80, 50, kind)
    middle = ink[50 - 28 : 50 + 28, 24:78]
    assert not middle.any()
    walls = np.flatnonzero(ink[:, 20])
    assert walls.min() == 20 + from_the_top
    np.testing.assert_array_equal(np.flatnonzero(ink[:, 80]), walls)
    assert (ink[80, 20:82] == 0.9).all()
    assert ink[20, 50] == (0.9 if kind == "boxes" else 0)


def test_no_digit_is_written_whose_label_is_wrong():
    test = load("mnist").test
    paper._mnist(3, 80, np.random.default_rng(0))
    wrong = {test.images[at].tobytes() for at in WRONG_LABELS}
    assert [len(paper._POOL[d]) for d in range(10)] == np.bincount(test.labels).tolist()
    assert not wrong & {image.tobytes() for pool in paper._POOL.values() for image in pool}
