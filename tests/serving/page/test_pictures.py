"""Pictures from outside: opened, photographed, dropped, pasted; and what cannot be read."""

import numpy as np
import pytest

from inkdigits.data import load


def test_shows_boxes_and_lines_over_a_photo(hand, photo, reader):
    grey, text = photo
    hand.open(grey)
    hand.sees(text)
    picture = hand.page.locator("#picture").bounding_box()
    expected = [digit for line in reader.read(grey).lines for digit in line.digits]
    boxes = hand.page.locator("#boxes > *")
    assert boxes.count() == len(expected) == 8
    for i, digit in enumerate(expected):
        shown, (x, y, width, height) = boxes.nth(i).bounding_box(), digit.box
        scale = picture["width"] / 640
        assert shown["x"] - picture["x"] == pytest.approx(x * scale, abs=1)
        assert shown["y"] - picture["y"] == pytest.approx(y * scale, abs=1)
        assert shown["width"] == pytest.approx(width * scale, abs=1)
        assert shown["height"] == pytest.approx(height * scale, abs=1)
        assert boxes.nth(i).get_attribute("data-digit") == str(digit.digit)


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_takes_a_picture_that_is_dropped_or_pasted(hand, photo, way):
    grey, text = photo
    page = hand.page
    carried = page.evaluate_handle(
        """(bytes) => {
          const carried = new DataTransfer();
          const type = "image/png";
          carried.items.add(new File([new Uint8Array(bytes)], "picture.png", { type }));
          return carried;
        }""",
        list(hand.png(grey)),
    )
    if way == "drop":
        for event in ("dragenter", "dragover"):
            page.dispatch_event("#ink", event, {"dataTransfer": carried})
        assert page.locator(".catch").is_visible()
        page.dispatch_event("#ink", "drop", {"dataTransfer": carried})
        assert page.locator(".catch").is_hidden()
    else:
        page.evaluate(
            "(data) => dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }))", carried
        )
    hand.sees(text)


def test_sends_a_large_photo_smaller_than_it_is(hand):
    large = np.full((3000, 5000), 200, np.uint8)
    large[1200:1800, 2450:2550] = 30
    hand.page.evaluate(
        """() => {
          const before = fetch;
          window.fetch = (address, options) => {
            window.sent = options.body;
            return before(address, options);
          };
        }"""
    )
    hand.open(large, "#camera")
    hand.sees("1")
    size = hand.page.evaluate(
        """async () => {
          const { width, height } = await createImageBitmap(window.sent);
          return [width, height];
        }"""
    )
    assert size == [2400, 1440]


def test_shows_a_digit_image_in_its_pixels(hand):
    hand.open(load("mnist").test.images[0])
    hand.sees("7")
    picture = hand.page.locator("#picture")
    assert picture.evaluate("(at) => getComputedStyle(at).imageRendering") == "pixelated"


def test_writing_on_a_photo_begins_a_new_sheet(hand, photo):
    grey, text = photo
    hand.open(grey)
    hand.sees(text)
    hand.write(7)
    hand.sees("7")
    assert hand.page.locator("#picture").is_hidden()
    hand.page.get_by_role("button", name="Undo").click()
    hand.page.get_by_role("button", name="Undo").click()
    hand.sees_state("empty")
    hand.open(grey)
    hand.sees(text)


def test_says_what_would_help_with_an_empty_picture(hand):
    hand.open(np.full((200, 300), 240, np.uint8))
    hand.sees_state("refused")
    hand.sees_words("nothing to read")
    hand.sees_words("dark pen")


def test_says_so_when_a_file_is_no_picture(hand):
    file = {"name": "note.png", "mimeType": "image/png", "buffer": b"no picture at all"}
    hand.page.set_input_files("#file", file)
    hand.sees_state("error")
    hand.sees_words("picture")
    assert len(hand.errors) == 1  # the browser's own line on the service's 400
    hand.errors.clear()
