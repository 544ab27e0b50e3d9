import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from inkdigits.images import decode
from inkdigits.images.colour import LIGHT, grey_weights

BYTE = st.integers(0, 255)
COLOUR = st.tuples(BYTE, BYTE, BYTE)
SIDE = 256  # pixels


def written(ink, paper, size=(SIDE, SIDE)):
    picture = Image.new("RGB", size, paper)
    ImageDraw.Draw(picture).line([(60, 60), (190, 60), (100, 200)], ink, 8, "curve")
    return picture


def light(colour):
    return float(np.dot(colour, LIGHT))


@given(ink=COLOUR, paper=COLOUR)
def test_ink_of_any_colour_is_seen_on_any_other(ink, paper):
    apart = max(abs(a - b) for a, b in zip(ink, paper, strict=True))
    assume(apart >= 30)
    picture = written(ink, paper)
    weights = grey_weights(picture)
    grey = np.asarray(picture.convert("L", weights) if weights else picture.convert("L")).astype(
        int
    )
    assert abs(grey[60, 120] - grey[0, 0]) >= apart / 8


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((30, 30, 30), (240, 240, 235)),
        ((40, 60, 200), (250, 250, 250)),
        ((250, 250, 250), (200, 30, 30)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_light_tells_ink_that_is_darker_or_lighter(ink, paper):
    assert grey_weights(written(ink, paper)) is None


def test_black_ink_is_told_by_light_beside_coloured_marks():
    picture = written((30, 30, 30), (250, 250, 250))
    ImageDraw.Draw(picture).rectangle((20, 210, 240, 240), (255, 240, 40))
    assert grey_weights(picture) is None


@pytest.mark.parametrize("ink", [180, 100])
def test_pencil_beside_a_bright_mark_is_told_by_light(ink):
    picture = written((ink, ink, ink), (245, 245, 245))
    ImageDraw.Draw(picture).rectangle((20, 210, 240, 240), (255, 235, 40))
    assert grey_weights(picture) is None


def test_coloured_noise_is_no_ink():
    noise = np.random.default_rng(0).normal(128, 20, (SIDE, SIDE, 3))
    assert grey_weights(Image.fromarray(noise.clip(0, 255).astype(np.uint8))) is None


def test_light_and_shadow_do_not_show_where_colour_tells():
    red, green = (200, 30, 30), (40, 96, 40)
    assert abs(light(red) - light(green)) < 10
    whole = np.asarray(written(red, green), np.float32)
    fall = np.linspace(1, 0.6, SIDE, dtype=np.float32)[:, None, None]
    picture = Image.fromarray((whole * fall).astype(np.uint8))
    weights = grey_weights(picture)
    assert weights
    grey = np.asarray(picture.convert("L", weights)).astype(int)
    assert abs(grey[0, 0] - grey[-1, 0]) < 60 < abs(grey[60, 120] - grey[60, 20])


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGB"),
        ("TIFF", "CMYK"),
    ],
)
@pytest.mark.parametrize("size", [(SIDE, SIDE), (3 * SIDE, 2 * SIDE)])
def test_red_on_green_is_decoded_from_any_file(encode, form, mode, size):
    grey = decode(encode(written((200, 30, 30), (40, 96, 40), size).convert(mode), form))
    assert grey.shape == size[::-1]
    assert abs(int(grey[60, 120]) - int(grey[30, 120])) > 150
