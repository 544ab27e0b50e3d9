"""One digit on any picture: the same digit image, whatever the paper, the pen and the light."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from inkdigits.data import load
from inkdigits.images import fit_ink, normalise

STROKES = {  # in a box of 1 × 1.4
    1: [[(0.2, 0.3), (0.6, 0), (0.6, 1.4)]],
    2: [[(0, 0.3), (0.3, 0), (0.8, 0.1), (0.9, 0.5), (0, 1.4), (1, 1.35)]],
    4: [[(0.4, 0), (0, 0.9), (1, 0.85)], [(0.7, 0.4), (0.65, 1.4)]],
    5: [[(0.2, 0), (0.15, 0.6), (0.7, 0.5), (1, 0.9), (0.6, 1.4), (0, 1.3)], [(0.3, 0), (1, 0)]],
    7: [[(0, 0), (1, 0.05), (0.3, 1.4)]],
}
DIGITS = pytest.mark.parametrize("digit", STROKES)


def draw(digit, size=(200, 220), at=(60, 50), side=90, width=14):
    """Return how much ink covers each pixel, 0 to 1, drawn at four times the size."""
    large = Image.new("L", (4 * size[0], 4 * size[1]))
    pen = ImageDraw.Draw(large)
    for stroke in STROKES[digit]:
        points = [(4 * (at[0] + side * x), 4 * (at[1] + side * y)) for x, y in stroke]
        pen.line(points, 255, 4 * width, "curve")
    return np.asarray(large.reduce(4)) / 255


def on_paper(ink, paper=235.0, dark=40.0, light=1.0, noise=0.0):
    picture = (paper + ink * (dark - paper)) * light
    picture = picture + np.random.default_rng(0).normal(0, noise, ink.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def likeness(one, other):
    """Return the correlation of two images, the best of shifts by up to a pixel."""
    shifts = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    rolled = [np.roll(other, shift, (0, 1)).ravel() for shift in shifts]
    return max(np.corrcoef(one.ravel(), image)[0, 1] for image in rolled)


def across(low, high, shape=(220, 200)):
    return np.broadcast_to(np.linspace(low, high, shape[1]), shape)


def jpeg(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=10)
    return np.asarray(Image.open(file))


def with_dust(ink):
    dusty = ink.copy()
    for y, x in [(10, 20), (30, 150), (200, 30), (205, 170), (120, 10)]:
        dusty[y : y + 5, x : x + 5] = 1
    return dusty


def salted(picture):
    luck = np.random.default_rng(0).random(picture.shape)
    return np.where(luck < 0.02, 0, np.where(luck > 0.98, 255, picture)).astype(np.uint8)


def tilted(picture):
    whole = Image.fromarray(np.pad(picture, 60, constant_values=40))
    return np.asarray(whole.rotate(7, fillcolor=40))[30:-30, 30:-30]


def boxed(ink):
    ruled = ink.copy()
    ruled[5:-5, 5:-5] = np.maximum(
        np.pad(np.zeros((206, 186)), 2, constant_values=1), ink[5:-5, 5:-5]
    )
    return ruled


HARD = {
    "light on dark": lambda ink: on_paper(ink, 20, 230),
    "grey on black": lambda ink: on_paper(ink, 0, 90),
    "chalk": lambda ink: on_paper(ink, 90, 200, noise=6),
    "faint pencil": lambda ink: on_paper(ink, 220, 200, noise=3),
    "gradient": lambda ink: on_paper(ink, light=across(0.3, 1), noise=3),
    "gradient, light ink": lambda ink: on_paper(ink, 60, 250, light=across(0.5, 1), noise=3),
    "shadow": lambda ink: on_paper(ink, light=np.where(across(0, 1) < 0.45, 0.5, 1), noise=3),
    "speckled": lambda ink: on_paper(ink, noise=35),
    "salt and pepper": lambda ink: salted(on_paper(ink)),
    "specks": lambda ink: on_paper(with_dust(ink)),
    "jpeg": lambda ink: jpeg(on_paper(ink, noise=4)),
    "black frame": lambda ink: np.pad(on_paper(ink), 20),
    "white frame": lambda ink: np.pad(on_paper(ink, 20, 230), 20, constant_values=255),
    "band": lambda ink: np.pad(on_paper(ink), ((0, 0), (30, 0)), constant_values=20),
    "sheet on a table": lambda ink: tilted(on_paper(ink)),
    "printed box": lambda ink: on_paper(boxed(ink)),
}


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("width", [12, 20, 24])
@DIGITS
def test_broad_strokes_stay_whole_where_they_cross_on_a_picture_that_they_fill(digit, width, size):
    ink = draw(digit, (100 * size, 124 * size), (20 * size, 22 * size), 60 * size, width * size)
    assert likeness(normalise(on_paper(ink)), fit_ink(ink.astype(np.float32))) > 0.97


@DIGITS
@pytest.mark.parametrize("hardship", HARD)
def test_hard_pictures_come_out_like_clean_ones(digit, hardship):
    ink = draw(digit)
    least = 0.8 if hardship == "sheet on a table" else 0.93  # it is turned by 7 degrees
    assert likeness(normalise(on_paper(ink)), normalise(HARD[hardship](ink))) > least


@DIGITS
@pytest.mark.parametrize("scale", [0.15, 0.3, 3, 10])
def test_size_hardly_matters(digit, scale):
    small = draw(digit, tuple(round(scale * side) for side in (200, 220)), (60 * scale, 50 * scale),
                 90 * scale, max(1, round(14 * scale)))  # fmt: skip
    assert likeness(normalise(on_paper(draw(digit))), normalise(on_paper(small))) > 0.85


@DIGITS
@pytest.mark.parametrize("width", [1, 3, 35])
def test_strokes_are_brought_towards_the_usual_width(digit, width):
    usual, other = (normalise(on_paper(draw(digit, width=w))) for w in (14, width))
    assert likeness(usual, other) > 0.7
    assert 0.4 < other.sum() / usual.sum() < 2


@DIGITS
def test_a_small_digit_in_a_large_picture_is_found(digit):
    far = on_paper(draw(digit, (1200, 1600), (700, 300), 40, 6), noise=5)
    assert likeness(normalise(on_paper(draw(digit))), normalise(far)) > 0.9


@settings(max_examples=40)
@given(st.sampled_from(list(STROKES)), st.integers(0, 80), st.integers(0, 70))
def test_place_and_polarity_do_not_matter(digit, right, down):
    clean = on_paper(draw(digit, at=(20, 20)), 255, 0)
    picture = on_paper(draw(digit, at=(20 + right, 20 + down)), 255, 0)
    assert likeness(normalise(picture), normalise(clean)) > 0.97
    assert np.array_equal(normalise(picture), normalise(255 - picture))


@DIGITS
def test_the_result_has_mnists_geometry(digit):
    image = normalise(on_paper(draw(digit), noise=3))
    rows, columns = np.nonzero(image)
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    weights = image[rows, columns] / image.sum()
    assert abs((weights * rows).sum() - 14) <= 0.51
    assert abs((weights * columns).sum() - 14) <= 0.51
    assert np.array_equal(normalise(image), image)


def test_mnist_passes_unchanged():
    images = load("mnist").test.images[::10]
    assert all(np.array_equal(normalise(image), image) for image in images)


def test_mnist_elsewhere_and_inverted_comes_back():
    for image in load("mnist").test.images[:100]:
        moved = np.pad(image, ((2, 11), (9, 3)))
        assert likeness(normalise(moved), image) > 0.85
        assert np.array_equal(normalise(255 - moved), normalise(moved))


@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (3, 400), (300, 200)])
@pytest.mark.parametrize("level", [0, 127, 255])
def test_blank_pictures_stay_blank(shape, level):
    assert not normalise(np.full(shape, level, np.uint8)).any()


@pytest.mark.parametrize("noise", [2, 5, 20])
def test_noise_alone_is_blank(noise):
    assert not normalise(on_paper(np.zeros((220, 200)), noise=noise)).any()


def test_no_ink_fits_to_nothing():
    assert not fit_ink(np.zeros((40, 30), np.float32)).any()
