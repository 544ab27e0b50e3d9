"""The reader that comes with the package."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

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
    assert reader.origin()["network"] == "convnet_small, which asks 3 convnet_wide"
    assert reader.origin()["recipe"] == "wild, 36 epochs"


@pytest.mark.parametrize("letter", "AEFHKNPRVX")
def test_refuses_a_letter_instead_of_cutting_it_into_digits(reader, letter):
    picture = Image.new("L", (300, 300), 235)
    font = ImageFont.load_default(180)
    ImageDraw.Draw(picture).text((150, 150), letter, 30, font, anchor="mm")
    reading = reader.read(np.asarray(picture))
    assert reading.text == "?", reading.text
    assert reading.refused is not None


@pytest.mark.parametrize("word", ["Amount", "Street", "NUMBER", "remarks"])
def test_a_word_is_no_number_and_the_number_beside_it_is_one(reader, word):
    """Its letters, cut up, were told as digits, most of them as 1s."""
    picture = Image.new("L", (900, 300), 235)
    font = ImageFont.load_default(100)
    ImageDraw.Draw(picture).text((40, 150), word, 30, font, anchor="lm")
    digits = load("mnist").test
    for place, number in enumerate((18, 1, 6)):  # 3, 2, 4
        ink = Image.fromarray(digits.images[number]).resize((112, 112), Image.Resampling.BICUBIC)
        picture.paste(30, (520 + 110 * place, 94), ink)
    text = "".join(line.text for line in reader.read(picture).lines)
    assert text.endswith("324")
    assert set(text[:-3]) == {"?"}, text


def test_a_band_of_shadow_is_no_digit(reader):
    """Read as 1, surely, where it was taken for ink, though the digit beside it had been found."""
    digits = load("mnist").test.take(np.arange(12))
    down, right = np.mgrid[:400, :500]
    light = np.where(np.abs(right - 0.3 * down - 200) < 75, 0.65, 1)
    light = ndimage.gaussian_filter(light, 8)
    texts = []
    for image in digits.images:
        ink = np.asarray(Image.fromarray(image).resize((280, 280), Image.Resampling.BICUBIC))
        page = np.random.default_rng(0).normal(235, 2, (400, 500))
        page[50:330, 60:340] -= 195 * np.clip((ink / 255 - 0.35) / 0.3, 0, 1)
        texts.append(reader.read((page * light).clip(0, 255).astype(np.uint8)).text)
    assert texts == [str(label) for label in digits.labels]


def test_reading_leaves_nothing_in_the_home_folder(tmp_path):
    """ONNX Runtime keeps a record of what is run there, unless told not to."""
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    program = "import numpy, inkdigits; inkdigits.read(numpy.zeros((60, 60), 'uint8'))"
    subprocess.run(
        [sys.executable, "-c", program], env=environment | {"HOME": str(tmp_path)}, check=True
    )
    assert not list(tmp_path.rglob("*onnx*"))
