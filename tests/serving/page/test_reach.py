"""By keyboard alone, with a thumb, on every size of screen, and with what axe-core checks."""

import numpy as np
import pytest
from PIL import Image

from inkdigits.data import load


def test_every_stop_of_the_tab_key_is_seen(hand):
    stops = []
    for _ in range(14):
        hand.page.keyboard.press("Tab")
        name, ring = hand.focused()
        assert ring >= 2, name
        stops.append(name)
    assert stops == ["ink", "undo", "clear", "file", *(f"Write a {d}" for d in range(10))]


def test_by_keyboard_alone(hand, photo, tmp_path):
    keys = hand.page.keyboard

    def go(name, key):
        for _ in range(30):
            if hand.focused()[0] == name:
                return
            keys.press(key)
        raise AssertionError(f"{name} is out of reach")

    go("Write a 5", "Tab")
    keys.press("Enter")
    hand.sees("5")

    go("ink", "Shift+Tab")
    keys.press("Delete")
    hand.sees_state("empty")
    assert hand.page.locator("#nib").is_visible()
    assert hand.page.locator("#keys").is_visible()
    for _ in range(11):
        keys.press("ArrowUp")
    keys.press("Space")
    for _ in range(22):
        keys.press("ArrowDown")
    keys.press("Space")
    hand.sees("1")
    keys.press("Backspace")
    hand.sees_state("empty")
    keys.press("Tab")
    keys.press("Enter")  # Undo: the sheet as it was before it was cleared
    hand.sees("5")

    grey, text = photo
    path = tmp_path / "photo.png"
    Image.fromarray(grey).save(path)
    go("file", "Tab")
    keys.press("Enter")
    hand.opened().set_files(path)
    hand.sees(text)
    keys.press("Tab")
    keys.press("ArrowRight")
    second = hand.page.get_by_role("radio").nth(1)
    assert second.evaluate("(at) => at === document.activeElement")
    assert second.get_attribute("aria-checked") == "true"
    chosen = hand.page.locator("#boxes > .chosen")
    assert chosen.get_attribute("data-digit") == text[1]


def test_a_held_arrow_key_goes_on_and_two_go_aslant(hand):
    hand.page.keyboard.press("Tab")
    hand.page.keyboard.down("ArrowDown")
    hand.page.keyboard.down("ArrowLeft")
    hand.page.wait_for_timeout(800)
    hand.page.keyboard.up("ArrowDown")
    hand.page.keyboard.up("ArrowLeft")
    x, y = hand.page.evaluate(
        """() => ["--x", "--y"].map(
        (name) => Number(document.getElementById("nib").style.getPropertyValue(name)))"""
    )
    assert x < 0.4
    assert y > 0.6


@pytest.mark.parametrize("hand", ["phone"], indirect=True)
def test_a_phone_offers_its_camera_and_room_for_thumbs(hand):
    assert hand.page.locator("#camera").get_attribute("capture") == "environment"
    assert hand.page.locator(".camera").is_visible()
    for target in hand.page.locator(".tools > *, #samples button").all():
        box = target.bounding_box()
        assert box["height"] >= 44
        assert box["width"] >= 32


@pytest.mark.parametrize("width", [320, 375, 600, 820, 1024, 1920])
def test_fits_every_width(hand, width):
    hand.page.set_viewport_size({"width": width, "height": 640})
    hand.write(7)
    hand.sees("7")
    assert hand.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_line_of_digits_is_shown_as_one(hand, width):
    hand.page.set_viewport_size({"width": width, "height": 800})
    test = load("mnist").test
    ink = np.hstack([np.pad(image, ((20, 20), (10, 10))) for image in test.images[:6]])
    hand.open(255 - ink)
    hand.sees("721041")
    tops = {numeral.bounding_box()["y"] for numeral in hand.page.locator(".numeral").all()}
    assert len(tops) == 1


@pytest.mark.parametrize("hand", ["desk", "desk-dark", "phone", "phone-dark"], indirect=True)
def test_no_serious_barrier(hand, photo):
    from axe_playwright_python.sync_playwright import Axe

    def barriers():
        hand.page.wait_for_timeout(200)  # until the bars stand still
        found = Axe().run(hand.page).response["violations"]
        return [f"{one['impact']}: {one['id']}" for one in found]

    assert barriers() == []
    hand.page.keyboard.press("Tab")
    assert barriers() == []
    hand.write(7)
    hand.sees("7")
    assert barriers() == []
    hand.page.get_by_role("button", name="Clear").click()
    hand.write("scribble")
    hand.page.wait_for_selector(".numeral:text-is('?')")
    assert barriers() == []
    hand.open(photo[0])
    hand.sees(photo[1])
    assert barriers() == []
