"""Pictures of what people draw and print that is no digit: letters, signs, doodles, scribbles.

Each function returns one picture, grey uint8 (SIDE, SIDE), light ink on black, not yet normalised.
Signs that could pass for a digit (O, I, l, Z, S, b, G, B, g, q, y …) are left out.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Grey = NDArray[np.uint8]
Strokes = Sequence[NDArray[np.float64]]
"""Each (K, 2): points (x right, y down) that a pen visits."""

SIDE = 84
_FONT_SIZE, _UNIT = 44, 56  # pixels

LETTER_FONTS = ("cmr10", "cmb10", "cmss10", "cmtt10", "cmmi10")
FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique"),
    *("DejaVuSansMono", "DejaVuSansMono-BoldOblique"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic"),
)
LETTERS = "ACEFHKMNPRTUVWXdefhkmnprtuvwx"
SIGNS = "ΔΛΠΦΨΩλμπψωЖШЮДИЦ&@#%*+=<>~^÷×±€¥¶♥★♣→←↑☺✓✗∑√♫"

# Points on a grid from 0 to 6, x before y, strokes parted by bars; curves bend through them.
_STRAIGHT = (
    "06 30 66|14 54", "60 00 06 66|03 43", "60 00 06|03 43", "00 06|60 66|03 63", "00 06|60 03 66",
    "06 00 33 60 66", "06 00 66 60", "00 36 60", "00 16 33 56 60", "00 66|60 06", "00 60|30 36",
    "30 06 66 30", "00 60 66 06 00|00 66|60 06", "20 26|40 46|02 62|04 64",
    "03 63|40 63 46", "06 03 30 63 66 06", "16 30 56 02 62 16", "30 36|03 63|11 55|51 15",
    "30 06 36 66", "02 62|04 64", "06 10 26 30 46 50 66", "06 02 32 30 62 66 06",
    "00 60 66 06 00|30 36|03 63", "30 36|03 63",
)  # fmt: skip
_CURVED = (
    "51 30 03 36 55", "00 04 26 46 64 60", "06 00 30 52 33 03", "06 00 30 51 33 03|23 66",
    "60 66|62 33 04 26 65", "50 30 26|03 43", "00 06|04 22 43 46", "02 06|04 22 33 36|34 52 63 66",
    "02 06|04 22 53 56", "02 08|03 32 54 36 06", "02 06|04 22 52", "03 53 31 04 36 56",
    "35 03 01 20 32 40 61 63 35", "03 21 33 45 63", "02 21 32 43 62|05 24 35 46 65",
    "30 31 33 36|03 15 36 55 63",
)  # fmt: skip


def glyph(rng: np.random.Generator) -> Grey:
    """Print a letter, in two cases of three, or a sign."""
    if rng.random() < 2 / 3:
        return printed(LETTERS, rng, FONTS + LETTER_FONTS)
    return printed(SIGNS, rng)


def printed(characters: str, rng: np.random.Generator, fonts: tuple[str, ...] = FONTS) -> Grey:
    """Print one of the characters, turned, slanted, stretched and thickened a little."""
    choices = _glyphs(characters, fonts)
    picture = choices[rng.integers(len(choices))]
    a, b, c, d = _turn(rng).ravel()
    middle = SIDE / 2
    shift = (middle - a * middle - b * middle, middle - c * middle - d * middle)
    picture = picture.transform(
        (SIDE, SIDE),
        Image.Transform.AFFINE,
        (a, b, shift[0], c, d, shift[1]),
        Image.Resampling.BILINEAR,
    )
    thicken = rng.integers(4)
    if thicken == 1:
        picture = picture.filter(ImageFilter.MaxFilter(3))
    elif thicken == 2:
        picture = picture.filter(ImageFilter.MaxFilter(5))
    return np.asarray(picture)


def letter(rng: np.random.Generator) -> Grey:
    """Write a letter or draw a simple figure with a pen, by a hand that is not sure."""
    place = int(rng.integers(len(_STRAIGHT) + len(_CURVED)))
    curved = place >= len(_STRAIGHT)
    strokes = [
        stroke + rng.normal(0, 0.04, stroke.shape)
        for stroke in (
            _parse(_CURVED[place - len(_STRAIGHT)]) if curved else _parse(_STRAIGHT[place])
        )
    ]
    if curved:
        strokes = [smooth(points) for points in strokes]
    return write(strokes, rng)


def scribble(rng: np.random.Generator) -> Grey:
    """Draw one long curve of many turns, or several short ones that do not belong together."""
    if rng.random() < 0.5:
        turns = [int(rng.integers(8, 25))]
    else:
        turns = [int(turn) for turn in rng.integers(2, 5, rng.integers(3, 8))]
    strokes = [rng.random((turn, 2)) for turn in turns]
    if rng.random() < 0.75:
        strokes = [smooth(points) for points in strokes]
    return write(strokes, rng)


def hatching(rng: np.random.Generator) -> Grey:
    """Go to and fro with the pen, or round and round."""
    t = np.linspace(0, 1, 60)
    swings = rng.uniform(2.5, 7) * 2 * np.pi
    across = 0.5 + 0.5 * np.sin(swings * t + rng.uniform(0, 6)) * rng.uniform(0.8, 1, 60)
    round_ = 0.5 + 0.5 * np.cos(swings * t) * rng.choice([0.0, 1.0])
    points = np.stack([across, (t + round_) / 2 if rng.random() < 0.5 else t], axis=1)
    return write([(points - 0.5) @ _turn(rng, np.pi) * 0.9 + 0.5], rng)


def face(rng: np.random.Generator) -> Grey:
    """Draw a face: an oval, two eyes, a mouth, sometimes a nose and hair."""
    mouth, bend = rng.uniform(0.15, 0.3), rng.uniform(-0.15, 0.2)
    strokes = [ellipse(0.5, 0.5, rng.uniform(0.38, 0.5), rng.uniform(0.42, 0.5))]
    for side in (-1, 1):
        radius = rng.uniform(0.05, 0.09)
        strokes.append(ellipse(0.5 + side * rng.uniform(0.12, 0.2), 0.36, radius, radius))
    strokes.append(smooth(np.array([[0.5 - mouth, 0.68], [0.5, 0.68 + bend], [0.5 + mouth, 0.68]])))
    if rng.random() < 0.5:
        strokes.append(np.array([[0.5, 0.42], [0.45, 0.56], [0.53, 0.57]]))
    for x in np.linspace(0.3, 0.7, 5) if rng.random() < 0.3 else ():
        strokes.append(np.array([[x, 0.08], [x + rng.normal(0, 0.04), -0.1]]))
    return write([points + rng.normal(0, 0.008, points.shape) for points in strokes], rng, 0.05)


def lines(rng: np.random.Generator) -> Grey:
    """Draw one to three thin lines, curves or saws across the paper, 28 × 28, to be laid on."""
    picture = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 4)):
        points = rng.uniform(-0.2, 1.2, (rng.integers(2, 7), 2))
        if rng.random() < 0.5:
            points[:, 0] = np.linspace(-0.1, 1.1, len(points))
        kind = rng.random()
        if kind < 0.4:
            points = smooth(points)
        elif kind < 0.6:
            points = _saw(rng)
        if rng.random() < 0.3:
            points = points[:, ::-1]
        drawn = [(x, y) for x, y in (points * SIDE).tolist()]
        pen.line(drawn, int(rng.integers(60, 256)), int(rng.integers(2, 8)), "curve")
    return np.asarray(picture.reduce(3))


def _saw(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a line of teeth across the paper, 0–1, nearly level."""
    teeth = int(rng.integers(6, 24))
    along = np.linspace(0, 1, teeth)
    height = rng.uniform(0, 1) + along * rng.uniform(-0.2, 0.2)
    aside = rng.uniform(0.03, 0.12) * (-1) ** np.arange(teeth) * rng.uniform(0.8, 1.2, teeth)
    return np.stack([along * rng.uniform(0.8, 1.1), height + aside], axis=1)


def smooth(points: NDArray[np.float64], steps: int = 6) -> NDArray[np.float64]:
    """Bend a polyline (K, 2) into a Catmull-Rom curve through the same points."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    before, start, end, after = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    curve = start + 0.5 * t * (
        end
        - before
        + t * (2 * before - 5 * start + 4 * end - after + t * (3 * (start - end) + after - before))
    )
    return np.concatenate([curve.reshape(-1, 2), points[-1:]])


def points(stroke: str) -> NDArray[np.float64]:
    """Return the points (K, 2), 0–1, of a stroke told as places on a grid from 0 to 6."""
    return np.array([[int(place[0]), int(place[1])] for place in stroke.split()]) / 6


def ellipse(x: float, y: float, wide: float, high: float) -> NDArray[np.float64]:
    """Return a closed stroke of 25 points around (x, y)."""
    angle = np.linspace(0, 2 * np.pi, 25)
    return np.stack([x + wide * np.cos(angle), y + high * np.sin(angle)], axis=1)


def write(strokes: Strokes, rng: np.random.Generator, thick: float = 0.14) -> Grey:
    """Draw strokes within the unit square with a pen, turned, slanted and stretched a little."""
    turn = _turn(rng)
    picture = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    width = max(2, round(_UNIT * rng.uniform(0.04, thick)))
    radius = (width - 1) / 2
    for points in strokes:
        places = ((points - 0.5) @ turn * _UNIT + SIDE / 2).round(1)
        pen.line([(x, y) for x, y in places.tolist()], 255, width, "curve")
        for x, y in (places[0].tolist(), places[-1].tolist()):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(picture)


def _turn(rng: np.random.Generator, most: float = 0.2) -> NDArray[np.float64]:
    """Draw a small rotation, slant and stretch, as a matrix (2, 2)."""
    angle, slant = rng.uniform(-most, most), rng.uniform(-0.25, 0.25)
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    stretch = np.diag(rng.uniform(0.75, 1.1, 2))
    return np.asarray(rotation @ np.array([[1, slant], [0, 1]]) @ stretch)


@cache
def _parse(drawing: str) -> tuple[NDArray[np.float64], ...]:
    return tuple(points(stroke) for stroke in drawing.split("|"))


@cache
def _glyphs(characters: str, fonts: tuple[str, ...]) -> tuple[Image.Image, ...]:
    """Render each of the characters in each font of Matplotlib's that has it."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    pictures = []
    for name in fonts:
        font = ImageFont.truetype(folder / f"{name}.ttf", _FONT_SIZE)
        missing = bytes(font.getmask("\uffff"))
        for character in characters:
            if bytes(font.getmask(character)) != missing:
                picture = Image.new("L", (SIDE, SIDE))
                middle = (SIDE / 2, SIDE / 2)
                ImageDraw.Draw(picture).text(middle, character, 255, font, anchor="mm")
                pictures.append(picture)
    return tuple(pictures)
