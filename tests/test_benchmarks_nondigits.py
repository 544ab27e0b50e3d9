import nondigits
import numpy as np
import pytest


@pytest.fixture(scope="module")
def digits():
    made = np.zeros((5, 28, 28), np.uint8)
    for wide, image in enumerate(made, start=3):
        image[4:24, 8 : 8 + wide] = 255
    return made


@pytest.mark.parametrize("kind", nondigits.KINDS)
def test_a_kind_varies_and_repeats_by_its_seed(kind, digits):
    pictures = nondigits.draw(kind, 12, np.random.default_rng(0), digits)
    assert pictures.dtype == np.uint8
    assert pictures.shape == (12, nondigits.SIDE, nondigits.SIDE)
    again = nondigits.draw(kind, 12, np.random.default_rng(0), digits)
    np.testing.assert_array_equal(pictures, again)
    assert len({picture.tobytes() for picture in pictures}) > 9
    if kind != "noisy blank":
        assert (pictures.max((1, 2)) > 90).all()


def test_two_digits_are_both_there(digits):
    pictures = nondigits.draw("two digits", 50, np.random.default_rng(0), digits)
    ink = (pictures > 127).sum((1, 2))
    assert ink.min() >= 2 * 3 * 20 - 20  # they overlap by a column at most
    assert ink.max() <= 2 * 7 * 20


def test_the_pen_draws_a_line_as_wide_as_asked_for():
    picture = nondigits.pen([np.array([[0.0, 0.0], [20.0, 0.0]])], radius=2)
    column = picture[:, nondigits.SIDE // 2].astype(float).sum() / 255
    assert column == pytest.approx(4, abs=0.1)
    assert picture[nondigits.SIDE // 2, 5] == 0


def test_no_letter_stands_there_that_passes_for_a_digit():
    assert not set("OoDQIilJjLZzYySsbGBgqa") & set(nondigits.LETTERS)
