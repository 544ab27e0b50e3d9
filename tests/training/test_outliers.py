import numpy as np
import pytest
import scipy.ndimage

from inkdigits.training import drawing
from inkdigits.training.outliers import KINDS, draw_outliers, several


@pytest.fixture(scope="module")
def digits():
    """Solid boxes of many widths, which are easy to count."""
    images = np.zeros((12, 28, 28), np.uint8)
    for wide, image in enumerate(images, start=3):
        image[4:24, 8 : 8 + wide] = 255
    return images


def draw(digits, count, seed=0):
    return draw_outliers(digits, count, np.random.default_rng(seed))


def test_outliers_are_digit_images_in_form(digits):
    images = draw(digits, 300)
    assert images.dtype == np.uint8
    assert images.shape == (300, 28, 28)
    assert draw(digits, 0).shape == (0, 28, 28)


def test_a_seed_gives_the_same_images_and_another_seed_others(digits):
    first = draw(digits, 60)
    np.testing.assert_array_equal(first, draw(digits, 60))
    assert (first != draw(digits, 60, seed=1)).any(axis=(1, 2)).mean() > 0.8


def test_kinds_come_in_their_shares():
    assert sum(share for _, share in KINDS.values()) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_varies_and_shows_something(digits, kind):
    images = KINDS[kind][0](digits, 40, np.random.default_rng(0))
    assert images.shape == (40, 28, 28)
    assert len({image.tobytes() for image in images}) > 30
    assert (images.max(axis=(1, 2)) > 60).mean() > 0.5


def test_digits_side_by_side_keep_to_the_box_and_apart(digits):
    images = several(digits, 200, np.random.default_rng(0))
    assert not images[:, :4].any()
    assert not images[:, 24:].any()
    assert not images[:, :, :4].any()
    assert not images[:, :, 24:].any()
    parts = [scipy.ndimage.label(image > 127)[1] for image in images]
    assert np.mean(np.array(parts) >= 2) > 0.6


def test_blank_digits_give_blank_rows():
    assert not several(np.zeros((3, 28, 28), np.uint8), 4, np.random.default_rng(0)).any()


@pytest.mark.parametrize(
    "draw_one", [drawing.glyph, drawing.letter, drawing.scribble, drawing.hatching, drawing.face]
)
def test_drawings_stay_on_the_paper(draw_one):
    rng = np.random.default_rng(0)
    for _ in range(50):
        picture = draw_one(rng)
        assert picture.shape == (drawing.SIDE, drawing.SIDE)
        edges = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        assert picture.any()
        assert (edges > 127).mean() < 0.05


def test_a_smooth_curve_goes_through_its_points():
    points = np.random.default_rng(0).random((5, 2))
    curve = drawing.smooth(points, steps=4)
    np.testing.assert_allclose(curve[::4], points, atol=1e-12)
    straight = np.stack([np.arange(4.0), 2 * np.arange(4.0)], axis=1)
    np.testing.assert_allclose(drawing.smooth(straight)[:, 1], 2 * drawing.smooth(straight)[:, 0])


def test_no_font_shows_a_box_for_a_character_it_lacks():
    drawing._glyphs.cache_clear()
    everywhere = drawing._glyphs("AΔ", ("DejaVuSans", "cmb10"))
    assert len(everywhere) == 3  # cmb10 has no Greek
