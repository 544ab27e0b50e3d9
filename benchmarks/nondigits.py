"""Six kinds of pictures that are no digit, to see whether a reader knows when not to answer.

They share nothing with what readers are trained on: other fonts (STIX; Hershey's, written as
strokes), another pen, other scribbles and textures, and digits from MNIST's test half. Each kind is
drawn as uint8 (count, SIDE, SIDE), light on black, before any normalising. Needs hershey-fonts.
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from HersheyFonts import HersheyFonts
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

SIDE = 56
# Left out, as confused with digits when people write: O o D Q (0), I i l J j L (1), Z z (2),
# Y y (4), S s (5), b G (6), B (8), g q a (9), and C c U, which are open loops.
LETTERS = "AEFHKMNPRTVWXdefhkmnprtuvwx"
PRINTED = ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta")
WRITTEN = ("futural", "rowmans", "scripts", "cursive")
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE].astype(float)


def draw(kind, count, rng, digits):
    """Draw ``count`` pictures of a kind; ``digits`` (N, 28, 28) serve the two-digit ones."""
    return np.stack([KINDS[kind](rng, digits) for _ in range(count)])


def printed_letter(rng, digits):
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{rng.choice(PRINTED)}.ttf")
    picture = Image.new("L", (SIDE, SIDE))
    font = ImageFont.truetype(path, int(rng.integers(22, 38)))
    letter = LETTERS[rng.integers(len(LETTERS))]
    ImageDraw.Draw(picture).text((SIDE / 2, SIDE / 2), letter, 255, font, anchor="mm")
    return np.asarray(picture.rotate(rng.uniform(-8, 8), Image.Resampling.BICUBIC))


def written_letter(rng, digits):
    """Follow the strokes of an engraver's font with a hand that sways and slants."""
    font = engraved(WRITTEN[rng.integers(len(WRITTEN))])
    letter = LETTERS[rng.integers(len(LETTERS))]
    strokes = [np.array(stroke, float) for stroke in font.strokes_for_text(letter)]
    sway, phase = rng.normal(0, 0.9, (2, 2)), rng.uniform(0, 6, 2)
    slant, size = rng.uniform(-0.2, 0.35), rng.uniform(1.1, 1.5)
    swayed = []
    for stroke in strokes:
        moved = stroke + np.sin(stroke[:, ::-1] / 5 + phase) @ sway
        moved[:, 0] -= slant * moved[:, 1]
        swayed.append(moved * [size * rng.uniform(0.95, 1.05), size])
    return pen(swayed, rng.uniform(1.2, 3.2))


def scribble(rng, digits):
    """Walk on with a turning that changes slowly, drawn back towards the middle."""
    strokes = []
    for _ in range(rng.integers(1, 4)):
        place, heading, turning = rng.normal(0, 8, 2), rng.uniform(0, 6), 0.0
        walk = []
        for _ in range(rng.integers(140, 260)):
            turning = 0.9 * turning + rng.normal(0, 0.16)
            heading += turning
            place = 0.985 * place + 1.6 * np.array([np.cos(heading), np.sin(heading)])
            walk.append(place)
        strokes.append(np.array(walk)[::3])
    return pen(strokes, rng.uniform(0.8, 2.2))


def noisy_blank(rng, digits):
    """Empty paper: uneven light, grain of a camera's sensor, dust, and what JPEG makes of it."""
    light = rng.uniform(0, 60) + rng.normal(0, 0.4, 2) @ np.stack([ROWS, COLUMNS]).reshape(2, -1)
    paper = light.reshape(SIDE, SIDE) + rng.normal(0, rng.uniform(1, 40), (SIDE, SIDE))
    if rng.random() < 0.5:
        paper = ndimage.gaussian_filter(paper, rng.uniform(0.4, 1.2))
    for row, column in rng.integers(0, SIDE, (rng.integers(0, 6), 2)):
        paper[row, column : column + 2] += rng.uniform(20, 120)
    return as_picture(paper)


def texture(rng, digits):
    """Cells, wood, bricks, coral or halftone dots."""
    kind = rng.integers(5)
    if kind == 0:
        seeds = rng.uniform(0, SIDE, (rng.integers(4, 30), 2))
        away = np.sort(
            np.hypot(ROWS[..., None] - seeds[:, 0], COLUMNS[..., None] - seeds[:, 1]), -1
        )
        pattern = away[..., 0] if rng.random() < 0.5 else (away[..., 1] - away[..., 0] < 2.5) * 9.0
    elif kind == 1:
        bent = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 6) * rng.uniform(10, 60)
        pattern = np.sin(
            (np.hypot(ROWS - rng.uniform(-40, 90), COLUMNS * 0.3) + bent) / rng.uniform(0.8, 3)
        )
    elif kind == 2:
        high, wide = rng.integers(5, 12), rng.integers(10, 22)
        shifted = COLUMNS + (ROWS // high % 2) * wide / 2
        pattern = ((ROWS % high < 2) | (shifted % wide < 2)).astype(float)
    elif kind == 3:
        grain, wide = rng.normal(0, 1, (SIDE, SIDE)), rng.uniform(1.2, 3)
        rings = ndimage.gaussian_filter(grain, wide) - ndimage.gaussian_filter(grain, 2 * wide)
        pattern = (rings > rng.normal(0, 0.02)).astype(float)
    else:
        pitch = rng.uniform(5, 11)
        size = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 9) * 20 + 0.35 * pitch
        pattern = (np.hypot(ROWS % pitch - pitch / 2, COLUMNS % pitch - pitch / 2) < size).astype(
            float
        )
    pattern = (pattern - pattern.min()) / max(np.ptp(pattern), 1e-6)
    return as_picture(255 * pattern * rng.uniform(0.4, 1) + rng.normal(0, 4, (SIDE, SIDE)))


def two_digits(rng, digits):
    """Two digits beside one another, near enough to touch now and then."""
    picture = np.zeros((SIDE, SIDE), np.uint8)
    left = 4
    for digit in digits[rng.integers(len(digits), size=2)]:
        columns = np.flatnonzero(digit.max(axis=0) > 50)
        ink = digit[:, columns[0] : columns[-1] + 1]
        top = 14 + rng.integers(-3, 4)
        place = picture[top : top + 28, left : left + ink.shape[1]]
        np.maximum(place, ink, out=place)
        left += ink.shape[1] + rng.integers(-1, 7)
    return picture


KINDS = {
    f.__name__.replace("_", " "): f
    for f in (printed_letter, written_letter, scribble, noisy_blank, texture, two_digits)
}


@cache
def engraved(name):
    font = HersheyFonts()
    font.load_default_font(name)
    return font


def pen(strokes, radius):
    """Draw polylines of (x, y), moved to the middle, by each pixel's distance to the nearest."""
    points = np.concatenate(strokes)
    middle = (points.min(0) + points.max(0)) / 2 - (SIDE - 1) / 2
    starts = np.concatenate([stroke[:-1] for stroke in strokes]) - middle
    ends = np.concatenate([stroke[1:] for stroke in strokes]) - middle
    along = ends - starts
    here = np.stack([COLUMNS, ROWS], -1).reshape(-1, 1, 2)
    share = ((here - starts) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9)
    nearest = starts + np.clip(share, 0, 1)[..., None] * along
    distance = np.hypot(*np.moveaxis(here - nearest, -1, 0)).min(axis=1)
    return as_picture(255 * np.clip(radius + 0.5 - distance, 0, 1).reshape(SIDE, SIDE))


def as_picture(values):
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
