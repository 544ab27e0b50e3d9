"""From the pen's movement to the reading on the page, in a real browser.

    pip install -e '.[dev]'        # and a Chromium
    python benchmarks/page_delay.py [--rounds 10]

A mouse writes digits at a hand's speed on the page of `inkdigits serve`. Each delay runs, on the
page's own clock, from the first movement that no request has shown yet to the moment the page shows
what was read of it: the wait for the request before, the request, the service and drawing.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
from itertools import pairwise

from playwright.sync_api import sync_playwright

# In hundredths of the sheet, each digit in one stroke.
STROKES = {
    "2": [(34, 36), (40, 24), (54, 22), (64, 32), (58, 47), (45, 62), (33, 76), (50, 75), (68, 76)],
    "3": [(36, 26), (50, 21), (62, 29), (59, 42), (46, 48), (61, 54), (66, 66), (54, 78), (35, 74)],
    "7": [(32, 25), (50, 25), (68, 24), (60, 42), (52, 60), (46, 79)],
}
STEPS, PAUSE_MS = 8, 16  # a stretch of a stroke takes an eighth of a second

WATCH = """() => {
  window.delays = [];
  let moved = null, sent = null;
  const sheet = document.getElementById("ink");
  sheet.addEventListener("pointermove", (event) => {
    if (event.buttons) moved ??= performance.now();
  }, true);
  const fetch = window.fetch;
  window.fetch = (...request) => {
    [sent, moved] = [moved, null];
    return fetch(...request);
  };
  new MutationObserver(() => {
    if (sent !== null) window.delays.push(performance.now() - sent);
    sent = null;
  }).observe(document.getElementById("seen"), { attributes: true });
}"""
SHOWS = """(digit) => document.querySelector(".line")?.textContent === digit"""


def write(page, points):
    box = page.locator("#ink").bounding_box()
    places = [
        (box["x"] + x / 100 * box["width"], box["y"] + y / 100 * box["height"]) for x, y in points
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for (x, y), (to_x, to_y) in pairwise(places):
        for step in range(1, STEPS + 1):
            page.mouse.move(x + (to_x - x) * step / STEPS, y + (to_y - y) * step / STEPS)
            page.wait_for_timeout(PAUSE_MS)
    page.mouse.up()


def measure(address, chromium, rounds):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        write(page, STROKES["2"])  # the first reading, at which everything is still cold
        page.wait_for_function(SHOWS, arg="2")
        page.evaluate(WATCH)
        for _ in range(rounds):
            for digit, points in STROKES.items():
                page.get_by_role("button", name="Clear").click()
                write(page, points)
                page.wait_for_function(SHOWS, arg=digit)
        delays = page.evaluate("window.delays")
        browser.close()
    return sorted(delays)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="each writes 2, 3 and 7")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no browser here; install Debian's chromium")
    command = [sys.executable, "-m", "inkdigits", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
        delays = measure(service.stderr.readline().split()[2], chromium, options.rounds)
        service.terminate()
    print(
        f"{os.cpu_count()} cores, n = {len(delays)} readings while writing: "
        f"median {statistics.median(delays):.0f} ms, "
        f"95 % within {delays[int(0.95 * len(delays))]:.0f} ms, 99 % within "
        f"{delays[int(0.99 * len(delays))]:.0f} ms, slowest {delays[-1]:.0f} ms"
    )


if __name__ == "__main__":
    main()
