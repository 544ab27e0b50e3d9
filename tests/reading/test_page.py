"""Finding digits, judged without a network: one that likes everything equally leaves geometry."""

from types import SimpleNamespace
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from inkdigits.reading import page
from inkdigits.reading.page import find_digits

LINES = ["3850", "274", "96152"]


def likes_all(images):
    probabilities = np.full((len(images), 10), 0.01, np.float32)
    probabilities[:, 3] = 0.91
    return probabilities


def written(lines=LINES, size=60, width=640, height=480, *, slope=0.0, at=(60, 50), gap=18):
    """Digits of a font, white on black, and the box x, y, w, h of each."""
    font = ImageFont.load_default(size)
    page, boxes = Image.new("L", (width, height)), []
    for row, line in enumerate(lines):
        x = at[0]
        for digit in line:
            stamp = font.getmask(digit)
            stamp = Image.frombytes("L", stamp.size, bytes(stamp))
            stamp = stamp.crop(stamp.getbbox())
            y = round(at[1] + row * 2 * size + slope * (x - at[0]))
            page.paste(stamp, (x, y))
            boxes.append((x, y, *stamp.size))
            x += stamp.width + gap
    return np.asarray(page) / 255, boxes


def photographed(ink, *, dark=0.7, noise=2.0, seed=0):
    """Ink on paper whose light falls off to one side, in grey levels."""
    light = np.linspace(1, 0.5, ink.shape[1])
    rough = np.random.default_rng(seed).normal(0, noise, ink.shape)
    return np.clip(230 * light * (1 - dark * ink) + rough, 0, 255).astype(np.uint8)


def found(picture):
    return [[spot.box for spot in line] for line in find_digits(picture, likes_all)]


def check(lines, expected, counts, slack=4):
    assert [len(line) for line in lines] == counts
    boxes = np.array([box for line in lines for box in line])
    np.testing.assert_allclose(boxes, expected, atol=slack)


def touching():
    """A page whose digits stand so close that most have grown together."""
    return photographed(written(gap=-3)[0])


def moody(images):
    """Likes each image as much as its pixels have it: what is cut or joined is likely as good."""
    probabilities = np.full((len(images), 10), 0.001, np.float32)
    for row, image in zip(probabilities, images, strict=True):
        row[3] = np.random.default_rng(crc32(image)).uniform(0.02, 0.99)
    return probabilities


def test_digits_of_two_lines_that_touch_are_cut_apart():
    above, first = written(["3850"], height=300, at=(60, 50))
    below, second = written(["274"], height=300, at=(60, 100))
    ink = np.maximum(above, below)
    x, y, width, height = first[1]
    ink[y + height - 2 : 102, x + width // 2 - 3 : x + width // 2 + 3] = 1
    check(found(photographed(ink)), first + second, [4, 3], slack=7)


def test_reading_what_may_be_best_finds_what_reading_all_would(monkeypatch):
    counts = []

    def counting(images):
        counts.append(len(images))
        return moody(images)

    few = find_digits(touching(), counting)
    read = sum(counts)
    monkeypatch.setattr("inkdigits.reading.page.TURNS", 0)
    every = find_digits(touching(), counting)
    assert [[s.box for s in line] for line in few] == [[s.box for s in line] for line in every]
    assert len(few) == 3
    assert read < sum(counts) - read


def test_what_reads_well_whole_is_not_read_in_parts():
    counts = []

    def sure(images):
        counts.append(len(images))
        return np.full((len(images), 10), 1.0, np.float32)

    find_digits(photographed(written()[0]), sure)
    assert counts == [12]


def test_a_digit_of_many_bits_is_one_digit():
    ink, boxes = written()
    x, y, width, height = boxes[2]
    for row in range(y + 5, y + height, 12):
        ink[row : row + 2, x : x + width] = 0
    ink[y : y + height, x + width // 2 - 2 : x + width // 2 + 2] = 0
    check(found(photographed(ink)), boxes, [4, 3, 5], slack=5)


def test_digits_are_found_in_reading_order():
    ink, boxes = written()
    check(found(photographed(ink)), boxes, [4, 3, 5])


def test_light_ink_on_dark_is_the_same():
    ink, boxes = written()
    check(found(255 - photographed(ink)), boxes, [4, 3, 5])


def test_faint_ink_beside_a_hard_shadow_is_found():
    ink, boxes = written()
    picture = photographed(ink, dark=0.3, noise=1)
    picture[:, 250:] //= 2
    check(found(picture), boxes, [4, 3, 5], slack=8)


@pytest.mark.parametrize("dark", [0.25, 0.7])
def test_ruled_and_squared_paper_is_no_ink(dark):
    ink, boxes = written(size=48, width=1000, height=700)
    ruled = ink.copy()
    ruled[20::50] = np.maximum(ruled[20::50], dark)
    ruled[21::50] = np.maximum(ruled[21::50], dark)
    ruled[:, 9::50] = np.maximum(ruled[:, 9::50], dark)
    check(found(photographed(ruled)), boxes, [4, 3, 5], slack=10)


@pytest.mark.parametrize("dark", [0.35, 0.9])
def test_printed_boxes_around_digits_are_no_ink(dark):
    ink, boxes = written(size=48, width=1000, height=700, gap=30)
    printed = ink.copy()
    for x, y, w, h in boxes:
        top, bottom, left, right = y - 12, y + h + 12, x - 12, x + w + 12
        box = np.zeros_like(ink, np.bool_)
        box[top:bottom, left:right] = True
        box[top + 3 : bottom - 3, left + 3 : right - 3] = False
        printed[box] = dark
    check(found(photographed(printed)), boxes, [4, 3, 5], slack=6)


def test_lines_that_slant_are_kept_apart():
    ink, boxes = written(slope=0.2)
    check(found(photographed(ink)), boxes, [4, 3, 5])


def test_specks_are_no_digits():
    ink, boxes = written()
    for x, y in np.random.default_rng(3).integers(300, 460, (40, 2)):
        ink[y : y + 3, x + 130 : x + 133] = 1
    check(found(photographed(ink)), boxes, [4, 3, 5])


def test_a_dark_desk_beside_the_page_is_no_ink():
    ink, boxes = written()
    picture = photographed(ink)
    rough = np.random.default_rng(1).normal(50, 8, picture.shape).clip(0, 255)
    picture[:30], picture[:, 600:] = rough[:30], rough[:, 600:]
    check(found(picture), boxes, [4, 3, 5])


@pytest.mark.parametrize("lines", [["274"], ["3850", "274"]])
@pytest.mark.parametrize("side", ["left", "top"])
def test_a_table_beside_a_page_of_little_writing_is_no_paper(lines, side):
    ink, boxes = written(lines, size=40, width=1000, height=700, at=(200, 120))
    picture = photographed(ink)
    down, across = np.mgrid[:700, :1000]
    if side == "top":
        down, across = across, down
    picture[across < 60 - 0.05 * down] = 30
    check(found(picture), boxes, [len(line) for line in lines])


def test_what_lies_beside_the_page_is_no_stroke_where_a_shadow_ends():
    ink, boxes = written(width=1000, height=700, at=(200, 120))
    picture = photographed(ink)
    picture[:400] //= 2
    down, across = np.mgrid[:700, :1000]
    picture[across < 40 - 0.05 * down] = 50
    check(found(picture), boxes, [4, 3, 5])


def test_a_photo_is_worked_on_at_a_smaller_size_and_boxes_are_its_own():
    ink, boxes = written()
    large = Image.fromarray(photographed(ink)).resize((4 * 640, 4 * 480))
    check(found(np.asarray(large)), 4 * np.array(boxes), [4, 3, 5], slack=12)


@settings(max_examples=8)
@given(x=st.integers(20, 240), y=st.integers(20, 180))
def test_shifting_the_writing_shifts_the_boxes(x, y):
    ink, boxes = written(["385", "96"], at=(x, y))
    check(found(photographed(ink, noise=1)), boxes, [3, 2])


@pytest.mark.parametrize("digit", list("0123456789"))
@pytest.mark.parametrize("size", [24, 150])
def test_one_digit_is_one(digit, size):
    ink, boxes = written([digit], size=size, width=size, height=size, at=(size // 4, size // 8))
    check(found(photographed(ink, noise=0)), boxes, [1], slack=size / 12)


@pytest.mark.parametrize("grey", [0, 90, 255])
def test_a_blank_page_holds_nothing(grey):
    assert found(np.full((300, 400), grey, np.uint8)) == []


def test_noise_alone_is_no_ink():
    assert found(photographed(np.zeros((300, 400)), noise=8)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 30_000), (30_000, 1), (2, 3), (3, 900), (40, 41)])
@pytest.mark.parametrize("kind", ["blank", "noise", "half"])
def test_any_shape_gives_an_answer(shape, kind):
    picture = np.full(shape, 200, np.uint8)
    if kind == "noise":
        picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    elif kind == "half":
        picture[: shape[0] // 2, : shape[1] // 2] = 10
    for x, y, width, height in (box for line in found(picture) for box in line):
        assert x >= 0
        assert y >= 0
        assert 0 < width <= shape[1] - x
        assert 0 < height <= shape[0] - y


def test_a_smear_is_at_most_a_blot():
    smear = Image.new("L", (400, 300), 220)
    ImageDraw.Draw(smear).ellipse((80, 100, 330, 180), fill=150)
    assert sum(len(line) for line in found(np.asarray(smear))) <= 1


def test_light_ink_on_dark_paper_is_found_as_dark_ink_is():
    ink, boxes = written(["385072", "274196", "604183"], width=900, height=500)
    rough = np.random.default_rng(0).normal(0, 3, ink.shape)
    for paper, light in ((20, 210), (60, 220), (235, 50), (0, 255)):
        page = np.clip(paper + (light - paper) * ink + rough, 0, 255).astype(np.uint8)
        check(found(page), boxes, [6, 6, 6])


def test_a_page_full_of_digits_is_read_to_its_end():
    def likes_narrow(images):
        wide = images.any(axis=1).sum(axis=1) > 16
        return np.where(wide[:, None], 0.1, likes_all(images)).astype(np.float32)

    ink, _ = written(["3850274196" * 6] * 60, width=960, height=2040, size=16, gap=5)
    lines = find_digits(photographed(ink), likes_narrow)
    assert len(lines) == 60


def test_a_large_digit_is_the_same_as_a_small_one_at_no_more_work(monkeypatch):
    sizes, blur = [], page.ndimage.gaussian_filter
    counting = SimpleNamespace(gaussian_filter=lambda it, by: sizes.append(it.size) or blur(it, by))
    monkeypatch.setattr(page, "ndimage", counting)
    seen = []
    for size in (100, 1000):
        ink = Image.fromarray(written(["7"], 100, 200, 200)[0].astype(np.float32))
        picture = photographed(np.asarray(ink.resize((2 * size, 2 * size))), noise=0)
        find_digits(picture, lambda images: seen.extend(images) or likes_all(images))
    assert max(sizes) < (2.5 * page.LARGE) ** 2
    assert np.abs(seen[0].astype(float) - seen[-1]).mean() < 4
