import io

import numpy as np
import pytest
from PIL import Image

from inkdigits.errors import DataError
from inkdigits.reading.answer import read


def sure(images):
    return np.tile(np.eye(10, dtype=np.float32)[7] * 0.98 + 0.002, (len(images), 1))


def as_if(first, *later):
    """A network that answers so first, and then so, with digits and their probabilities."""
    told = iter([first, *later])

    def classify(images):
        digit, likely = next(told)
        row = np.full(10, (1 - likely) / 9, np.float32)
        row[digit] = likely
        return np.tile(row, (len(images), 1))

    return classify


def unsure(images):
    row = np.full(10, 0.0025, np.float32)
    row[[4, 9]] = 0.6, 0.38
    return np.tile(row, (len(images), 1))


def answer(picture, classify=sure, *, one=False):
    return read(picture, classify, 0.9, one=one)


@pytest.fixture
def bars():
    """Two upright bars, dark on light."""
    grey = np.full((120, 200), 230, np.uint8)
    grey[30:90, 50:60] = grey[30:90, 160:170] = 30
    return grey


def test_lines_digits_and_boxes(bars):
    reading = answer(bars)
    assert reading.text == "77"
    assert reading.as_dict()["refused"] is None
    (line,) = reading.as_dict()["lines"]
    for digit, x in zip(line["digits"], (50, 160), strict=True):
        assert (digit["digit"], digit["refused"]) == (7, None)
        assert digit["probability"] == pytest.approx(0.982)
        np.testing.assert_allclose(digit["box"], [x, 30, 10, 60], atol=2)


def test_several_are_refused_where_one_was_asked_for(bars):
    reading = answer(bars, one=True)
    assert reading.refused == "several digits: found 2 where one was asked for"
    assert answer(bars[:, :100], one=True).refused is None


def test_a_block_of_lines_is_no_digit_however_sure_the_network_is_of_it():
    page = np.full((200, 200), 230, np.uint8)
    for top in (20, 80, 140):
        page[top : top + 40, 60:68] = page[top : top + 40, 110:118] = 30

    def classify(images):
        return sure(images) if len(images) == 1 else sure(images) * 0.9

    assert answer(page, classify).text == "??\n??\n??"


@pytest.mark.parametrize(("whole", "text"), [(0.98, "7"), (0.7, "77")])
def test_a_wide_digit_in_two_pieces_is_one_only_if_that_is_surer(bars, whole, text):
    narrower = np.delete(bars, slice(70, 100), axis=1)  # as wide as 4 to 3

    def classify(images):
        return sure(images) * np.float32(whole if len(images) == 1 else 0.95)

    assert read(narrower, classify, 0.6, one=False).text == text


def test_nothing_is_blank():
    reading = answer(np.full((50, 70), 255, np.uint8), one=True)
    assert (reading.refused, reading.lines) == ("blank: no ink found", ())


def test_a_doubtful_digit_is_refused_with_the_reason(bars):
    reading = answer(bars, unsure)
    assert reading.text == "??"
    digit = reading.lines[0].digits[0]
    assert (digit.digit, digit.probability) == (None, pytest.approx(0.6))
    assert digit.refused == reading.refused == "unsure: it may be 4 (60%) or 9 (38%)"


def test_a_digit_image_is_read_as_it_is():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 200
    seen = []
    reading = answer(image, lambda images: seen.append(images) or sure(images))
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], image[None])
    assert reading.lines[0].digits[0].box == (12, 4, 4, 20)
    np.testing.assert_array_equal(reading.lines[0].digits[0].ink, image)


def test_path_bytes_and_pillow_read_alike(bars, tmp_path):
    file = io.BytesIO()
    Image.fromarray(bars).save(file, "PNG")
    path = tmp_path / "bars.png"
    path.write_bytes(file.getvalue())
    expected = answer(bars).lines
    for picture in (path, str(path), file.getvalue(), Image.open(path)):
        assert answer(picture).lines == expected
    assert answer(path).image == str(path)
    assert answer(bars).image is None


@pytest.mark.parametrize("shape", [(3,), (4, 4, 3), (0, 5)])
def test_other_arrays_are_refused(shape):
    with pytest.raises(DataError, match=r"grey uint8 \(H, W\)"):
        answer(np.zeros(shape, np.uint8))


def test_a_notebook_is_shown_the_picture(bars):
    reading = answer(bars)
    with Image.open(io.BytesIO(reading._repr_png_())) as shown:
        assert shown.size == (200, 120)
        colours = np.asarray(shown)
    assert (colours[..., 0] != colours[..., 2]).any()


def test_a_digit_image_is_drawn_large_enough_to_be_seen():
    digit = np.zeros((28, 28), np.uint8)
    digit[4:24, 12:16] = 255
    drawn = np.asarray(answer(digit).draw())
    assert drawn.shape == (308, 308, 3)
    assert (drawn[60:250, 140:170] == 255).all()


def test_a_large_picture_is_drawn_smaller():
    large = np.full((1000, 4000), 230, np.uint8)
    large[300:700, 500:560] = 20
    assert answer(large).draw().size == (1600, 400)


def test_a_blot_at_the_end_of_a_line_belongs_to_it_only_if_it_is_near():
    def text(gap):
        page = np.full((200, 600), 230, np.uint8)
        page[70:130, 20:50] = 30
        for left in (50 + gap, 130 + gap, 210 + gap):
            page[70:130, left : left + 8] = 30

        def classify(images):
            likely = sure(images)
            likely[(images > 100).mean(axis=(1, 2)) > 0.15] = 0.1  # the blot, which is wide
            return likely

        return answer(page, classify).text

    assert text(40) == "?777"
    assert text(100) == "777"


@pytest.mark.parametrize(
    ("found", "whole", "digit", "likely"),
    [
        ((7, 0.95), (1, 0.99), 7, 0.95),  # the whole has a shadow in it
        ((7, 0.95), (7, 0.99), 7, 0.99),
        ((7, 0.95), (7, 0.91), 7, 0.95),
    ],
)
def test_one_digit_that_was_found_is_read_whole_only_if_it_stays_the_same(
    bars, found, whole, digit, likely
):
    (line,) = answer(bars[:, :100], as_if(found, whole)).lines
    assert line.digits[0].digit == digit
    assert line.digits[0].probability == pytest.approx(likely)


def test_an_unsure_digit_alone_in_its_line_is_told_and_a_blot_is_not(bars):
    def classify(images):
        wide = images.any(axis=1).sum(axis=1) > 8
        return np.where(wide[:, None], unsure(images), sure(images))

    page = np.full((1000, 1000), 230, np.uint8)
    page[30:90, 50:60] = page[30:90, 110:120] = 30
    for top, left, height, edge in ((180, 50, 60, 10), (330, 200, 24, 5)):  # as high, and lower
        page[top : top + height, left : left + height] = 30
        page[top + edge : top + height - edge, left + edge : left + height - edge] = 230
    assert answer(page, classify).text == "77\n?"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"])
def test_pillow_images_are_read(bars, mode):
    assert answer(Image.fromarray(bars).convert("RGB").convert(mode)).text == "77"


def test_a_closed_pillow_image_is_told(bars, tmp_path):
    Image.fromarray(bars).save(tmp_path / "bars.png")
    with Image.open(tmp_path / "bars.png") as picture:
        pass
    with pytest.raises(DataError, match="of mode L, cannot be read; open it again"):
        answer(picture)


def test_a_large_pillow_image_is_read_and_left_as_it_was(tmp_path):
    Image.new("RGB", (4500, 5200), "white").save(tmp_path / "large.jpg")
    with Image.open(tmp_path / "large.jpg") as picture:
        assert answer(picture).refused == "blank: no ink found"
        assert (picture.size, picture.mode) == ((4500, 5200), "RGB")


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        (io.BytesIO(), "a BytesIO is no picture; give a path"),
        (None, "a NoneType is no picture"),
        (Image.new("L", (0, 5)), "cannot be read"),
        ("a\0b", "cannot be read"),
    ],
)
def test_what_is_no_picture_is_told(picture, told):
    with pytest.raises(DataError, match=told):
        answer(picture)
