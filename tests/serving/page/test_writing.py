"""Writing on the sheet with a mouse or a finger, and taking it back."""

import re
from itertools import pairwise

import numpy as np
import pytest


@pytest.mark.parametrize("digit", range(10))
def test_reads_each_digit_that_is_written(hand, digit):
    hand.write(digit)
    hand.sees(str(digit))
    assert re.fullmatch(r"(more than )?\d\d(\.\d)? % sure", hand.page.inner_text("#told"))


@pytest.mark.parametrize("digit", range(10))
def test_reads_each_of_its_own_samples(hand, digit):
    hand.page.emulate_media(reduced_motion="reduce")
    hand.page.get_by_role("button", name=f"Write a {digit}").click()
    hand.sees(str(digit))


def test_a_sample_is_written_before_ones_eyes(hand):
    seen = "document.getElementById('seen').toDataURL()"
    hand.page.get_by_role("button", name="Write a 0").click()
    hand.page.wait_for_function("() => document.querySelector('.numeral')")
    begun = hand.page.evaluate(seen)
    hand.page.wait_for_function(f"(begun) => {seen} !== begun", arg=begun)
    hand.sees("0")


def test_reads_a_number_written_digit_by_digit(hand):
    for place, digit in enumerate((4, 0, 7)):
        hand.write(digit, x=0.02 + 0.3 * place, y=0.25, scale=0.38)
    hand.sees("407")
    assert hand.page.locator("#boxes > *").count() == 3
    chosen = hand.page.get_by_role("radio", checked=True)
    assert chosen.inner_text() == "7"  # the one written last


def test_reads_while_the_pen_is_down(hand):
    page = hand.page
    hand.write([[(32, 25), (50, 25), (68, 24)]], lift=False)
    page.wait_for_timeout(300)  # for the reading of the first stroke
    page.evaluate(
        """() => {
          window.delays = [];
          let moved = null;
          const sheet = document.getElementById("ink");
          sheet.addEventListener("pointermove", () => (moved ??= performance.now()), true);
          new MutationObserver(() => {
            if (moved !== null) window.delays.push(performance.now() - moved);
            moved = null;
          }).observe(document.getElementById("seen"), { attributes: true });
        }"""
    )
    box = page.locator("#ink").bounding_box()
    for step in range(20):
        page.mouse.move(box["x"] + (0.66 - 0.01 * step) * box["width"], box["y"] + 130 + 8 * step)
        page.wait_for_timeout(120)
    page.mouse.up()
    delays = page.evaluate("window.delays")
    assert len(delays) >= 10


def test_shows_the_chances_and_what_the_network_saw(hand, reader):
    hand.write(7)
    hand.sees("7")
    hand.page.wait_for_timeout(300)  # for the reading of the last stretch of the stroke
    ink, shares = hand.page.evaluate(
        """() => {
          const seen = document.getElementById("seen").getContext("2d");
          const { data } = seen.getImageData(0, 0, 28, 28);
          const bars = [...document.querySelectorAll("#bars li")];
          return [[...data].filter((_, i) => i % 4 === 0),
                  bars.map((bar) => Number(bar.style.getPropertyValue("--share")))];
        }"""
    )
    seen = np.array(ink, np.uint8).reshape(1, 28, 28)
    np.testing.assert_allclose(shares, reader.predict_proba(seen)[0], atol=1e-4)
    assert hand.page.locator("#bars .most .digit").inner_text() == "7"


def test_undo_and_clear_take_back_and_give_back(hand):
    undo = hand.page.get_by_role("button", name="Undo")
    clear = hand.page.get_by_role("button", name="Clear")
    hand.sees_state("empty")
    hand.write(1)
    hand.sees("1")
    clear.click()
    hand.sees_state("empty")
    undo.click()
    hand.sees("1")
    hand.page.keyboard.press("Control+z")
    hand.sees_state("empty")
    for button in (undo, clear):
        assert button.get_attribute("aria-disabled") == "true"


def test_says_why_it_refuses_and_what_would_help(hand):
    hand.write("scribble")
    hand.page.wait_for_selector(".numeral:text-is('?')")
    unread = hand.page.get_by_role("radio", name="not read")
    if unread.count():  # taken for several digits: choose one of those that were refused
        unread.first.click()
    assert hand.page.inner_text("#told").endswith(".")
    assert "Write" in hand.page.inner_text("#help")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("blank: no ink found", "nothing to read. Write with a dark pen"),
        ("not a digit: it looks most like 8", "not look like a digit. Write one of 0 to 9"),
        ("unsure: it may be 4 (55%) or 9 (40%)", "could be a 4 or a 9. Write it larger"),
        ("several digits: found 2", "more than one digit. Show one digit at a time"),
        ("faint: the ink is too faint", "Not read: the ink is too faint. Write it anew"),
    ],
)
def test_has_plain_words_for_every_kind_of_refusal(hand, reason, words):
    digit = {
        "digit": None,
        "probability": 0.55,
        "box": [80, 60, 90, 140],
        "refused": reason,
        "probabilities": [0.0, 0.0, 0.01, 0.01, 0.55, 0.0, 0.0, 0.02, 0.01, 0.4],
        "ink": [0] * 784,
    }
    answer = [{"image": None, "lines": [{"text": "?", "digits": [digit]}], "refused": reason}]
    hand.page.route("**/v1/read*", lambda route: route.fulfill(json=answer))
    hand.write(1)
    hand.sees("?", "refused")
    said = f"{hand.page.inner_text('#told')} {hand.page.inner_text('#help')}"
    assert words in said


def test_tells_listeners_once_the_reading_settles(hand):
    hand.write(7)
    hand.sees("7")
    hand.page.wait_for_function("() => document.getElementById('announcer').textContent")
    assert re.fullmatch(r"Read 7, .* % sure\.", hand.page.text_content("#announcer"))


def test_says_so_when_the_reader_is_out_of_reach(hand):
    hand.page.route("**/v1/read*", lambda route: route.abort())
    hand.write(1)
    hand.sees_words("cannot be reached")
    hand.page.unroute("**/v1/read*")
    hand.write([[(70, 70), (71, 71)]])
    hand.page.wait_for_selector("#reading:not([data-state=error])")
    assert all("ERR_FAILED" in error for error in hand.errors)
    hand.errors.clear()


@pytest.mark.parametrize("hand", ["phone"], indirect=True)
def test_a_finger_writes_on_a_phone_with_the_reading_in_sight(hand):
    page = hand.page
    box = page.locator("#ink").bounding_box()
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        places = [
            {"x": box["x"] + x / 100 * box["width"], "y": box["y"] + y / 100 * box["height"]}
            for x, y in points
        ]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    points = [
        (36, 26),
        (50, 21),
        (62, 29),
        (59, 42),
        (46, 48),
        (61, 54),
        (66, 66),
        (54, 78),
        (35, 74),
    ]
    send("touchStart", points[0])
    for (x0, y0), (x1, y1) in pairwise(points):
        for part in (0.25, 0.5, 0.75, 1):
            send("touchMove", (x0 + part * (x1 - x0), y0 + part * (y1 - y0)))
    send("touchEnd")
    hand.sees("3")
    assert page.evaluate("scrollY") == 0
    for part in ("#ink", "#undo", "#digits", "#told", "#seen", "#bars"):
        shown = page.locator(part).bounding_box()
        assert shown["y"] + shown["height"] <= 844, part
