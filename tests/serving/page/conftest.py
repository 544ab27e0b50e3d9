"""A real browser on the real service, and hands to use the page with."""

import io
import os
import shutil
import threading
import time
from contextlib import contextmanager

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from inkdigits.data import load
from inkdigits.reading import Reader
from inkdigits.serving import create_app, listen

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
# One hand's digits, on a sheet of 100 × 100: strokes, each through these points.
HAND = {
    0: [[(50, 22), (37, 30), (32, 50), (37, 70), (50, 78), (63, 70), (68, 50), (63, 30), (50, 22)]],
    1: [[(44, 32), (53, 22), (52, 50), (51, 78)]],
    2: [[(34, 36), (40, 24), (54, 22), (64, 32), (58, 47), (45, 62), (33, 76), (50, 75), (68, 76)]],
    3: [[(36, 26), (50, 21), (62, 29), (59, 42), (46, 48), (61, 54), (66, 66), (54, 78), (35, 74)]],
    4: [[(54, 22), (44, 40), (33, 57), (50, 57), (70, 56)], [(60, 40), (59, 60), (58, 80)]],
    5: [
        [(40, 23), (38, 36), (37, 46), (50, 42), (63, 49), (65, 63), (55, 76), (36, 74)],
        [(40, 23), (53, 23), (65, 22)],
    ],
    6: [[(60, 22), (45, 35), (36, 55), (39, 72), (52, 78), (64, 70), (63, 57), (51, 52), (39, 61)]],
    7: [[(32, 25), (50, 25), (68, 24), (60, 42), (52, 60), (46, 79)]],
    8: [
        [
            (62, 29), (50, 21), (39, 28), (42, 41), (57, 52), (65, 64), (59, 76),
            (46, 78), (36, 68), (43, 54), (56, 43), (62, 31),
        ]
    ],
    9: [[(64, 35), (55, 23), (41, 26), (36, 39), (45, 48), (58, 45), (64, 34), (63, 55), (57, 79)]],
    "scribble": [
        [(20, 20), (80, 35), (22, 45), (78, 60), (20, 70), (80, 85), (25, 88)],
        [(30, 15), (35, 90)],
        [(70, 15), (62, 90)],
    ],
}  # fmt: skip


@pytest.fixture(scope="session")
def lacking():
    """Skip for a reason, or fail where the page must not go untried."""
    return pytest.fail if os.environ.get("INKDIGITS_REQUIRE_BROWSER") == "1" else pytest.skip


@pytest.fixture(scope="session")
def reader():
    return Reader()


@pytest.fixture(scope="module")
def browser(lacking):
    """A headless Chromium: the one that is installed, since Playwright's own is a download."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        lacking("no browser here to try the page in: install Debian's chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(app):
    """Run an ASGI application on a free port of this machine, and yield its address."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    try:
        while not (server.started and httpx.get(f"{address}readyz").is_success):
            time.sleep(0.01)
        yield address
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def site(reader):
    """The address of the page, with its service behind it."""
    with served(create_app(reader)) as address:
        yield address


class Hand:
    """Somebody at the page, with a mouse."""

    def __init__(self, page):
        self.page = page
        self.errors = []  # whatever the browser reports
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        # From the start: asked for only when the key is pressed, it now and then comes too late.
        self.choosers = []
        page.on("filechooser", lambda chooser: self.choosers.append(chooser))

    def write(self, what, *, x=0.0, y=0.0, scale=1.0, lift=True):
        """Write a digit of HAND, or strokes; ``x``, ``y`` and ``scale`` in sheets."""
        box = self.page.locator("#ink").bounding_box()
        for points in HAND[what] if isinstance(what, int | str) else what:
            for i, (across, down) in enumerate(points):
                at = (
                    box["x"] + (x + scale * across / 100) * box["width"],
                    box["y"] + (y + scale * down / 100) * box["height"],
                )
                self.page.mouse.move(*at, steps=1 if i == 0 else 4)
                if i == 0:
                    self.page.mouse.down()
            if lift:
                self.page.mouse.up()

    def open(self, grey, place="#file"):
        """Choose a grey picture as a file."""
        file = {"name": "picture.png", "mimeType": "image/png", "buffer": self.png(grey)}
        self.page.set_input_files(place, file)

    def opened(self):
        """The dialogue for files that a key or a click has opened."""
        until = time.monotonic() + 8
        while not self.choosers and time.monotonic() < until:
            self.page.wait_for_timeout(20)
        return self.choosers.pop()

    def png(self, grey):
        file = io.BytesIO()
        Image.fromarray(grey).save(file, "PNG")
        return file.getvalue()

    def sees(self, text, state="read"):
        """Wait until the page shows these digits; a line break stands between lines."""
        try:
            self.page.wait_for_function(
                """([text, state]) => document.getElementById("reading").dataset.state === state &&
                [...document.querySelectorAll(".line")]
                .map((line) => line.textContent).join("\\n") === text""",
                arg=[text, state],
                timeout=8000,
            )
        except Exception:
            shown = self.page.inner_text("#reading").split()
            raise AssertionError(f"{text!r} was to be read, but the page shows {shown}") from None

    def sees_state(self, state):
        self.page.wait_for_selector(f"#reading[data-state={state}]", timeout=8000)

    def sees_words(self, words):
        """Wait until the page says ``words`` below the digits."""
        self.page.wait_for_function(
            "(words) => document.querySelector('.words').textContent.includes(words)",
            arg=words,
            timeout=8000,
        )

    def focused(self):
        """What has the focus, and the width of the ring around it."""
        return self.page.evaluate(
            """() => {
              const at = document.activeElement;
              const ring = getComputedStyle(at.closest(".button") ?? at);
              const width = ring.outlineStyle === "solid" ? parseFloat(ring.outlineWidth) : 0;
              return [at.id || at.getAttribute("aria-label"), width];
            }"""
        )


@pytest.fixture(scope="session")
def visiting():
    """visiting(browser, site, device): somebody at a new page, until the block ends.

    It fails if the page reports errors or asks other hosts. ``device`` is desk or phone, and dark
    where it ends so.
    """
    return contextmanager(_visit)


def _visit(browser, site, device="desk"):
    size = PHONE if device.startswith("phone") else DESK
    scheme = "dark" if device.endswith("dark") else "light"
    context = browser.new_context(**size, color_scheme=scheme, reduced_motion="no-preference")
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    hand = Hand(page)
    page.goto(site)
    yield hand
    context.close()
    assert hand.errors == []
    assert [url for url in asked if not url.startswith((site, "blob:", "data:"))] == []


@pytest.fixture(params=["desk"])
def hand(visiting, browser, site, request):
    """Somebody at the page of the service."""
    with visiting(browser, site, request.param) as hand:
        yield hand


@pytest.fixture(scope="session")
def photo():
    """Two lines of MNIST's digits in ink on unevenly lit paper, grey (420, 640), and their text."""
    test = load("mnist").test
    ink = np.zeros((420, 640), np.float32)
    for row, line in enumerate(("3141", "2718")):
        for column, digit in enumerate(line):
            image = test.images[np.flatnonzero(test.labels == int(digit))[3]]
            large = Image.fromarray(image).resize((112, 112), Image.Resampling.BICUBIC)
            top, left = 50 + 190 * row, 60 + 140 * column
            ink[top : top + 112, left : left + 112] = large
    light = 235 - 40 * np.linspace(0, 1, 640)
    return (light - 0.65 * ink).clip(0, 255).astype(np.uint8), "3141\n2718"
