"""The reader that comes with the package."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from inkdigits.data import load
from inkdigits.reading import Reader
from inkdigits.reading.reader import SHIPPED


@pytest.fixture(scope="module")
def reader():
    return Reader()


def test_reads_all_of_mnists_test_images(reader):
    digits = load("mnist").test
    probabilities = reader.predict_proba(digits.images)
    right = probabilities.argmax(axis=1) == digits.labels
    answered = probabilities.max(axis=1) >= reader.threshold
    assert len(right) == 10_000
    assert right.mean() >= 0.997
    assert answered.mean() >= 0.985
    assert right[answered].mean() >= 0.999


def test_is_small_and_tells_its_origin(reader):
    assert SHIPPED.stat().st_size <= 3 * 2**20
    assert reader.origin()["network"] == "convnet_small, which asks 2 convnet_wide"
    assert reader.origin()["recipe"] == "wild, 36 epochs"


@pytest.mark.parametrize("letter", "AEFHKNPRVX")
def test_refuses_a_letter_instead_of_cutting_it_into_digits(reader, letter):
    picture = Image.new("L", (300, 300), 235)
    font = ImageFont.load_default(180)
    ImageDraw.Draw(picture).text((150, 150), letter, 30, font, anchor="mm")
    reading = reader.read(np.asarray(picture))
    assert reading.text == "?", reading.text
    assert reading.refused is not None
