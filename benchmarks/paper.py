"""Photographs of handwritten pages, drawn with known truth: digits on paper, light, a camera.

Two hands write: "mnist" sets digits of MNIST's test half, but for the 15 whose labels are known to
be wrong, "pen" draws strokes of its own (curves through a few points, shaken, with a pen whose
width varies). Everything else, from ruling to JPEG, is set by ``Scene``, one number a distortion,
so that each can grow alone. Letters among the digits are those of nondigits.py, words are printed.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, map_coordinates
from wrong_labels import WRONG_LABELS

from inkdigits.data import load

# Each digit as strokes, parted by /, of points x,y in a box one high; curves run through them.
STROKES = {
    0: "0.35,0.02 0.08,0.25 0.05,0.6 0.25,0.97 0.5,0.85 0.6,0.5 0.52,0.15 0.33,0.02",
    1: "0.1,0.25 0.25,0.12 0.35,0 0.34,0.5 0.32,1",
    2: "0.05,0.22 0.2,0.03 0.45,0.05 0.52,0.28 0.35,0.6 0.04,0.97 / 0.04,0.97 0.3,0.94 "
    "0.6,0.97",
    3: "0.06,0.12 0.3,0 0.5,0.15 0.42,0.38 0.22,0.46 / 0.22,0.46 0.48,0.55 0.54,0.78 "
    "0.35,0.98 0.04,0.9",
    4: "0.3,0 0.18,0.35 0.02,0.62 / 0.02,0.62 0.35,0.62 0.62,0.6 / 0.46,0.25 0.44,0.6 0.42,1",
    5: "0.14,0.04 0.12,0.25 0.1,0.45 / 0.1,0.45 0.35,0.38 0.54,0.6 0.45,0.88 0.2,0.98 "
    "0.02,0.9 / 0.14,0.04 0.35,0.05 0.55,0.02",
    6: "0.45,0.02 0.2,0.2 0.06,0.6 0.15,0.92 0.38,0.97 0.52,0.75 0.4,0.55 0.2,0.58 0.08,0.75",
    7: "0.02,0.08 0.3,0.06 0.58,0.04 / 0.58,0.04 0.4,0.4 0.22,1",
    8: "0.48,0.15 0.28,0 0.1,0.15 0.2,0.38 0.42,0.58 0.5,0.8 0.3,0.99 0.08,0.85 0.15,0.6 "
    "0.4,0.4 0.48,0.15",
    9: "0.5,0.15 0.3,0 0.08,0.15 0.1,0.4 0.3,0.48 0.48,0.3 0.5,0.15 / 0.5,0.15 0.48,0.5 "
    "0.42,1",
}  # fmt: skip


WORDS = (
    "account", "address", "amount", "birth", "city", "class", "code", "customer", "date", "days",
    "delivery", "exam", "form", "from", "invoice", "name", "number", "office", "order", "paid",
    "parent", "please", "post", "price", "quantity", "reference", "remarks", "result", "return",
    "room", "school", "score", "signature", "street", "tax", "teacher", "total", "visit",
)  # fmt: skip
FONTS = "DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "STIXGeneralItalic", "cmr10"
FINE, TURNS = 4, 12  # cells of a digit image's pixel each way, and times its ink is set right


@dataclass(frozen=True)
class Scene:
    """What is written, on what, and how it is photographed; lengths in heights of a digit."""

    hand: str = "mnist"
    width: int = 1600  # pixels of the photo, which is 4:3
    height: float = 0.05  # of a digit, of the photo's width
    lines: int = 4
    digits: int = 7  # at most; lines differ
    gap: float = 0.3  # mean between digits; its spread is a third of it
    touching: float = 0.0  # share of gaps closed until the ink meets
    letters: float = 0.0  # share of digits in whose place a letter stands
    word: bool = False  # each line begins with a printed word, as in a form
    cells: str = ""  # printed around the digits, one for each: boxes, or comb
    size_spread: float = 0.1
    ink: float = 0.75  # how much light the ink takes away
    slope: float = 2.0  # degrees, spread of the lines'
    ruling: str = "plain"  # or ruled, squared, printed (as dark as ink)
    light: float = 0.3  # darkest corner, of the light
    shadow: float = 0.3  # depth of a shadow with a soft edge
    crease: float = 0.1
    specks: int = 10
    rotation: float = 2.0  # degrees
    perspective: float = 0.04
    desk: bool = True
    blur: float = 0.02
    noise: float = 3.0  # grey levels
    jpeg: int = 85


@dataclass(frozen=True)
class Page:
    """A photo, and the truth: texts from top to bottom, and a box x0, y0, x1, y1 for each digit.

    In texts, ? stands for a letter.
    """

    jpeg: bytes
    texts: list[str]
    boxes: list[list[tuple[float, float, float, float]]]


_POOL: dict[int, np.ndarray] = {}


def draw_page(scene: Scene, seed: int) -> Page:
    """Draw the page of ``scene`` that ``seed`` names."""
    rng = np.random.default_rng(seed)
    width, height = scene.width, scene.width * 3 // 4
    tall = scene.height * width
    ink, texts, boxes = _write(scene, rng, width, height, tall)
    paper = _paper(scene, rng, width, height, tall) * (1 - scene.ink * ink)
    matrix = _camera(scene, rng, width, height)
    photo = _warp(paper, matrix, width, height)
    inside = _warp(np.ones_like(paper), matrix, width, height)
    desk = _desk(rng, width, height) if scene.desk else np.full_like(photo, 0.9)
    photo = (
        photo * inside + desk * (1 - inside) if scene.desk else np.where(inside > 0.5, photo, desk)
    )
    photo = photo * _light(scene, rng, width, height)
    photo = gaussian_filter(photo, scene.blur * tall)
    grey = photo * 235 + rng.normal(0, scene.noise, photo.shape)
    tint = np.array([1.0, rng.uniform(0.95, 1), rng.uniform(0.85, 1)])
    colour = np.clip(grey[..., None] * tint, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(colour).save(file, "JPEG", quality=scene.jpeg)
    to_photo = np.linalg.inv(matrix)
    return Page(
        file.getvalue(), texts, [[_map_box(to_photo, box) for box in line] for line in boxes]
    )


def _write(scene, rng, width, height, tall):
    ink = np.zeros((height, width), np.float32)
    texts, boxes = [], []
    pitch = min(2.2 * tall, height * 0.84 / scene.lines)
    top = rng.uniform(0.08 * height, max(0.09 * height, 0.92 * height - pitch * scene.lines))
    for number in range(scene.lines):
        x = rng.uniform(0.09, 0.14) * width
        y = top + (number + 0.5) * pitch
        slope = np.tan(np.radians(rng.normal(0, scene.slope)))
        text, line = "", []
        cell = 1.4 * tall if scene.cells else 0
        if scene.word:
            word, line = _print(ink, x, y, tall, rng)
            text, x = "?" * len(word), line[-1][2] + rng.uniform(0.8, 2) * tall
        for _ in range(rng.integers(scene.digits // 2, scene.digits + 1)):
            digit = int(rng.integers(10))
            size = tall * np.clip(rng.normal(1, scene.size_spread), 0.7, 1.35)
            letter = scene.letters and rng.random() < scene.letters
            hand = _letter if letter else _pen if scene.hand == "pen" else _mnist
            stamp = hand(digit, size, rng)
            h, w = stamp.shape
            if x + max(w, cell) > 0.92 * width:
                break
            rise = 0 if cell else slope * (x - width / 2)
            up = int(y + rise - h / 2 + rng.normal(0, 0.04) * tall)
            left = int(x + max(0, cell - w) / 2)
            if text and rng.random() < scene.touching:
                while left > 4 and (ink[up : up + h, left : left + w] * stamp).max() < 0.3:
                    left -= 1
            place = ink[up : up + h, left : left + w]
            if place.shape != stamp.shape:
                break
            np.maximum(place, stamp, out=place)
            text += "?" if letter else str(digit)
            line.append((left, up, left + w, up + h))
            gap = tall * max(0.05, rng.normal(scene.gap, scene.gap / 3))
            x = x + cell if cell else left + w + gap
            if cell:
                _print_cell(ink, int(x - cell), int(x), y, scene.cells)
        texts.append(text)
        boxes.append(line)
    return ink, texts, boxes


def _print_cell(ink, left, right, middle, kind):
    side = right - left
    thick = max(2, side // 30)
    top, bottom = int(middle - side / 2), int(middle + side / 2)
    for x in (left, right):
        ink[top if kind == "boxes" else bottom - side // 3 : bottom, x : x + thick] = 0.9
    for y in (top, bottom) if kind == "boxes" else (bottom,):
        ink[y : y + thick, left : right + thick] = 0.9


def _mnist(digit, size, rng):
    if not _POOL:
        test = load("mnist").test
        images, labels = test.images.copy(), test.labels
        # Where the label is wrong the truth is unknown: the digit before it stands in.
        for at in WRONG_LABELS:
            images[at] = images[:at][labels[:at] == labels[at]][-1]
        _POOL.update({d: images[labels == d] for d in range(10)})
    # The scale keeps the few digits that lie on their side as they are.
    return _stamp(_POOL[digit][rng.integers(len(_POOL[digit]))], size / 20)


def _letter(_digit, size, rng):
    import nondigits

    image = nondigits.KINDS["written letter" if rng.random() < 0.5 else "printed letter"](rng, None)
    return _stamp(image, size / np.flatnonzero(image.any(axis=1)).size)


def _print(ink, x, y, tall, rng):
    """Print a word, about as high as digits are, and return it with its letters' boxes."""
    word = WORDS[rng.integers(len(WORDS))]
    word = [word, word.capitalize(), word.upper()][rng.integers(3)]
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    font = ImageFont.truetype(
        folder / f"{FONTS[rng.integers(len(FONTS))]}.ttf", rng.uniform(1, 1.4) * tall
    )
    canvas = Image.new("L", ink.shape[::-1])
    ImageDraw.Draw(canvas).text((x, y), word, 255, font, "lm")
    np.maximum(ink, np.asarray(canvas, np.float32) / 255, out=ink)
    starts = [x + font.getlength(word[:number]) for number in range(len(word))]
    boxes = [font.getbbox(letter, anchor="lm") for letter in word]
    return word, [
        (start + x0, y + y0, start + x1, y + y1)
        for start, (x0, y0, x1, y1) in zip(starts, boxes, strict=True)
    ]


def _stamp(image, scale):
    """Enlarge what is not black to ink with sharp edges, of which each pixel keeps its share.

    A pixel's grey tells how much of it is ink, so thin strokes are grey: sharpened as they are they
    would break. So what is enlarged is first made darker or lighter until the ink comes out right
    (iterative back-projection: Irani & Peleg, 1991).
    """
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / np.float32(255)
    source, shape = ink, (max(2, round(ink.shape[0] * scale)), max(2, round(ink.shape[1] * scale)))
    for _ in range(TURNS):
        sharp = _sharpened(source, (FINE * ink.shape[0], FINE * ink.shape[1]))
        source = source + ink - np.asarray(Image.fromarray(sharp).reduce(FINE))
    return _sharpened(source, shape)


def _sharpened(image, shape):
    framed = Image.fromarray(np.pad(image, 1))
    inside = 1, 1, image.shape[1] + 1, image.shape[0] + 1
    large = np.asarray(framed.resize(shape[::-1], Image.Resampling.BICUBIC, inside))
    return 1 / (1 + np.exp(-10 * (large - 0.5)))


def _pen(digit, size, rng):
    margin, fine = 0.25, 3  # drawn three times as large, then made small: soft edges
    canvas = Image.new("L", [round(size * fine * (1 + 2 * margin))] * 2)
    draw = ImageDraw.Draw(canvas)
    nib = rng.uniform(0.035, 0.11) * size * fine
    lean, stretch = rng.normal(0, 0.12), rng.uniform(0.85, 1.2)
    for number, stroke in enumerate(STROKES[digit].split(" / ")):
        points = np.array([point.split(",") for point in stroke.split()], float)
        points += rng.normal(0, 0.025, points.shape)
        if digit == 5 and number == 2:  # the bar, often loose
            points += (0.03, rng.uniform(-0.08, 0.02))
        points[:, 0] = points[:, 0] * stretch + lean * (0.5 - points[:, 1])
        curve = _spline(points) * size * fine + margin * size * fine
        wide = nib * np.clip(1 + np.cumsum(rng.normal(0, 0.02, len(curve))), 0.6, 1.4) / 2
        for (x, y), r in zip(curve, wide, strict=True):
            draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    side = canvas.width // fine
    stamp = np.asarray(canvas.resize((side, side), Image.Resampling.BOX), np.float32) / 255
    rows, columns = np.flatnonzero((stamp > 0.3).any(1)), np.flatnonzero((stamp > 0.3).any(0))
    return stamp[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _spline(points):
    """Catmull-Rom: a curve through all points, forty places between two."""
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, 40)[:, None]
    parts = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        parts.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    return np.concatenate(parts)


def _paper(scene, rng, width, height, tall):
    fibre = gaussian_filter(rng.normal(0, 1, (height, width)), 1.2) * 0.02
    paper = (0.95 + fibre).astype(np.float32)
    pitch = rng.uniform(0.7, 1.6) * tall
    thick = max(1, round(tall * rng.uniform(0.02, 0.035)))
    if scene.ruling != "plain":
        strength = scene.ink * 0.9 if scene.ruling == "printed" else rng.uniform(0.15, 0.3)
        if scene.ruling == "ruled":
            pitch *= 1.5
        for at in np.arange(rng.uniform(0, pitch), height, pitch):
            paper[int(at) : int(at) + thick] *= 1 - strength
        if scene.ruling == "squared":
            for at in np.arange(rng.uniform(0, pitch), width, pitch):
                paper[:, int(at) : int(at) + thick] *= 1 - strength
    if scene.crease:
        y, x = np.mgrid[:height, :width]
        angle = rng.uniform(0, np.pi)
        off = (x - rng.uniform(0.3, 0.7) * width) * np.cos(angle) + (y - height / 2) * np.sin(angle)
        paper *= 1 - scene.crease * np.exp(-((off / (0.08 * tall)) ** 2))
        paper *= 1 - 0.5 * scene.crease / (1 + np.exp(-off / (0.1 * tall)))
    for _ in range(scene.specks):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        r = rng.uniform(0.02, 0.06) * tall
        box = slice(max(0, int(y - r)), int(y + r) + 1), slice(max(0, int(x - r)), int(x + r) + 1)
        paper[box] *= 1 - rng.uniform(0.3, 0.8)
    return paper


def _camera(scene, rng, width, height):
    """Return the 3×3 matrix that takes a place in the photo to the place on the page."""
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    inset = 0.03 if scene.desk else 0.0
    shift = rng.uniform(-1, 1, (4, 2)) * scene.perspective
    shift += inset * np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * rng.uniform(0.2, 1.5)
    seen = corners + shift * (width, height)
    angle = np.radians(rng.normal(0, scene.rotation) if scene.rotation else 0)
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    seen = (seen - (width / 2, height / 2)) @ turn.T + (width / 2, height / 2)
    rows, right = [], []
    for (x, y), (u, v) in zip(seen, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1).reshape(3, 3)


def _warp(image, matrix, width, height):
    source = Image.fromarray(image.astype(np.float32))
    how = Image.Transform.PERSPECTIVE, tuple(matrix.ravel()[:8]), Image.Resampling.BILINEAR
    return np.asarray(source.transform((width, height), *how))


def _map_box(matrix, box):
    x0, y0, x1, y1 = box
    corners = np.array([(x0, y0, 1), (x1, y0, 1), (x1, y1, 1), (x0, y1, 1)]).T
    x, y, w = matrix @ corners
    return (x / w).min(), (y / w).min(), (x / w).max(), (y / w).max()


def _desk(rng, width, height):
    grain = rng.normal(0, 1, (height // 4 + 1, width // 64 + 1))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    grain = map_coordinates(grain, (y / 4, x / 64), order=1, mode="nearest")
    return rng.choice([0.2, 0.35, 0.5]) * (1 + 0.12 * grain)


def _light(scene, rng, width, height):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    light = 1 - scene.light * (across + 0.7) / 1.4
    angle, soft = rng.uniform(0, 2 * np.pi), rng.uniform(0.004, 0.05)
    edge = (x / width - rng.uniform(0.2, 0.8)) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    return light * (1 - scene.shadow / (1 + np.exp(-edge / soft)))
