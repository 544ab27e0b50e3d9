import numpy as np
import pytest
from PIL import Image, ImageDraw

from inkdigits.reading.frames import find_frames
from inkdigits.reading.ink import Ink
from inkdigits.reading.pieces import find_pieces

CELL, LEFT, TOP, BOTTOM = 60, 40, 60, 120


def drawn(*lines, thick=3, degrees=0.0):
    """Where there is ink: lines from x0, y0 to x1, y1, turned together."""
    image = Image.new("L", (480, 200))
    pen = ImageDraw.Draw(image)
    for line in lines:
        pen.line(line, fill=255, width=thick)
    return np.asarray(image.rotate(degrees, Image.Resampling.BICUBIC)) > 127


def boxes(cells):
    level = [(LEFT, y, LEFT + CELL * cells, y) for y in (TOP, BOTTOM)]
    return [*level, *[(LEFT + CELL * n, TOP, LEFT + CELL * n, BOTTOM) for n in range(cells + 1)]]


def comb(cells):
    ticks = [(LEFT + CELL * n, 95, LEFT + CELL * n, BOTTOM) for n in range(cells + 1)]
    return [(LEFT, BOTTOM, LEFT + CELL * cells, BOTTOM), *ticks]


def frames(mask, contrast=None):
    contrast = mask.astype(np.float32) if contrast is None else contrast
    ink = Ink(contrast, np.ones_like(contrast), mask, mask, (1.0, 1.0))
    return find_frames(ink, find_pieces(mask))


def left_over(frame, stroke=None):
    """How much of the ink that is no ``stroke`` stays, and how much of the stroke goes."""
    stroke = np.zeros_like(frame) if stroke is None else stroke
    found = frames(frame | stroke).ink
    return (frame & ~stroke & ~found).sum() / frame.sum(), (stroke & found).sum() / stroke.sum()


@pytest.mark.parametrize("degrees", [-6, 0, 3])
@pytest.mark.parametrize("lines", [boxes(5), boxes(2), comb(5), comb(3)])
def test_boxes_and_combs_are_found_and_what_is_written_in_them_stays(lines, degrees):
    digit = drawn((LEFT + 22, 72, LEFT + 34, 105), thick=5, degrees=degrees)
    stays, goes = left_over(drawn(*lines, degrees=degrees), digit)
    assert stays < 0.1
    assert goes == 0


def test_a_single_box_is_found_though_the_digit_in_it_touches_it():
    digit = drawn((LEFT + 20, TOP, LEFT + 40, 105), thick=5)
    assert left_over(drawn(*boxes(1)), digit)[0] < 0.05


def test_of_empty_frames_nothing_is_left():
    for lines in (boxes(1), boxes(4), comb(4)):
        assert frames(drawn(*lines)).ink[drawn(*lines)].all()


def test_strokes_across_a_frame_and_beyond_it_stay():
    digit = drawn((LEFT + 40, 40, LEFT + 80, 150), (LEFT + 150, 75, LEFT + 150, 140), thick=6)
    for lines in (boxes(5), comb(5)):
        stays, goes = left_over(drawn(*lines), digit)
        assert stays < 0.15
        assert goes < 0.15


def test_an_upright_stroke_as_high_as_the_boxes_is_a_digit_between_their_walls():
    one = drawn((LEFT + 150, TOP, LEFT + 150, BOTTOM), thick=4)
    stays, goes = left_over(drawn(*boxes(5)), one)
    assert stays < 0.1
    assert goes < 0.15  # where it meets the level lines


def test_cells_may_differ_in_width():
    lines = [*boxes(5), (LEFT + 20, TOP, LEFT + 20, BOTTOM), (LEFT + 95, TOP, LEFT + 95, BOTTOM)]
    del lines[4:7]
    assert left_over(drawn(*lines), drawn((200, 75, 210, 110)))[0] < 0.1


def test_a_frame_so_pale_that_its_lines_are_cut_is_found_in_what_is_faint():
    frame = drawn(*boxes(5))
    cut = frame.copy()
    cut[:, ::20] = cut[::20] = False
    ink = Ink(frame * np.float32(0.3), np.ones(frame.shape, np.float32), cut, frame, (1.0, 1.0))
    found = find_frames(ink, find_pieces(cut)).ink
    assert (cut & ~found).sum() < 0.1 * cut.sum()


@pytest.mark.parametrize(
    "lines",
    [
        [(100, 100, 300, 100)],  # a line under a number
        [(100, 60, 140, 60), (140, 60, 120, 120)],  # 7
        [(100, 60, 100, 100), (100, 100, 150, 100), (140, 70, 140, 130)],  # 4
        [(100, 120, 200, 120), (100, 60, 100, 120)],  # only one end
        [(100, 60, 100, 130)],
    ],
)
def test_digits_and_single_lines_are_no_frames(lines):
    assert not frames(drawn(*lines, thick=4)).ink.any()
    assert not frames(np.zeros((50, 60), np.bool_)).ink.any()
