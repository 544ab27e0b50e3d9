"""Digits as photos show them: written on paper, in some light, and cut out again by the reader."""

import io
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from inkdigits.images import INK_BOX, SIZE, Images
from inkdigits.reading.ink import find_ink
from inkdigits.reading.page import digit_image, find_rows
from inkdigits.reading.pieces import Piece

ACROSS = 6  # digits across a sheet, and down
CELL = 1.9  # digit's heights from one to the next
RULED = 0.5  # of the sheets; half of them squared

Floats = NDArray[np.float32]


def photograph(images: Images, rng: np.random.Generator) -> Images:
    """Return digit images, uint8 (N, 28, 28), as they are cut out of photos of them.

    A photo shows 36 digits, larger, with sharp edges or soft ones, on paper in uneven light, plain,
    ruled or squared; it is blurred, noisy and a JPEG. A digit that cannot be found there stays.
    """
    found = images.copy()
    for first in range(0, len(images), ACROSS**2):
        sheet = found[first : first + ACROSS**2]
        height = rng.uniform(30, 90)
        ink = find_ink(_take(_write(sheet, height, rng), height, rng))
        cells: dict[int, list[Piece]] = defaultdict(list)
        for row in find_rows(ink):
            for part in row.parts:
                down, across = (int(at // (CELL * height)) for at in part.centre)
                cells[down * ACROSS + across].append(part)
        for number, parts in cells.items():
            if number < len(sheet):
                sheet[number] = digit_image(ink, parts)
    return found


def _write(images: Images, height: float, rng: np.random.Generator) -> Floats:
    """Return ink (H, W), 0–1: digits so high in rows and columns, each in a cell's middle."""
    page = np.zeros((round(ACROSS * CELL * height),) * 2, np.float32)
    for number, image in enumerate(images):
        side = round(height * SIZE / INK_BOX * rng.uniform(0.9, 1.1))
        large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
        cell = np.array(divmod(number, ACROSS))
        top, left = np.rint((cell + 0.5) * CELL * height - side / 2).astype(int)
        page[top : top + side, left : left + side] = np.asarray(large, np.float32) / 255
    sharp: Floats = (page - 0.5) * np.float32(rng.uniform(1, 4)) + np.float32(0.5)
    return sharp.clip(0, 1)


def _take(ink: Floats, height: float, rng: np.random.Generator) -> Images:
    """Return a grey photo (H, W) of the ink on paper."""
    across = np.linspace(-1, 1, len(ink), dtype=np.float32)
    way, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    slope = np.cos(way) * across[:, None] + np.sin(way) * across
    light = rng.uniform(120, 245) * (1 - fall * (1 + slope))
    photo = light * (1 - rng.uniform(0.35, 0.9) * ink)
    if rng.random() < RULED:
        squared, step = rng.random() < 0.5, rng.uniform(0.5, 1.2) * height
        dark, thick = rng.uniform(0.1, 0.3), max(1, height / 35)
        line = np.arange(len(ink)) % step < thick
        photo *= 1 - dark * (line[:, None] | (line & squared))
    photo = ndimage.gaussian_filter(photo, height * rng.uniform(0.01, 0.07))
    photo += rng.normal(0, rng.uniform(0, 10), photo.shape)
    file = io.BytesIO()
    quality = int(rng.integers(25, 95))
    Image.fromarray(np.clip(photo, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
