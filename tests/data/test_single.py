import numpy as np
import pytest
from PIL import Image

from inkdigits.data import load
from inkdigits.data.single import load_one
from inkdigits.errors import DataError
from inkdigits.images import normalise


def test_a_picture_is_normalised_and_has_no_label(tmp_path):
    picture = np.full((80, 60), 255, np.uint8)
    picture[20:60, 28:34] = 0
    Image.fromarray(picture).save(tmp_path / "one:1.png")
    image, label = load_one(str(tmp_path / "one:1.png"))
    assert label is None
    assert np.array_equal(image, normalise(picture))


def test_a_place_in_a_data_set_is_one_of_its_test_part():
    image, label = load_one("mnist:17")
    test = load("mnist").test
    assert np.array_equal(image, test.images[17])
    assert label == test.labels[17]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("mnist:10000", "they go from 0 to 9999"),
        ("missing.png", "cannot be read"),
        ("missing:3", "no such file"),
        ("mnist:x", "cannot be read"),
    ],
)
def test_what_is_not_there_is_told(source, words):
    with pytest.raises(DataError, match=words):
        load_one(source)


def test_a_broken_picture_is_told(tmp_path):
    Image.fromarray(np.zeros((50, 50), np.uint8)).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="damaged or cut short"):
        load_one(str(tmp_path / "a.png"))
