"""Images that are no digit, for a network to learn when not to answer.

Outlier exposure (Hendrycks et al., 2019): beside the digits a network is shown what is none, with
the even distribution over the ten digits as its target, and then is unsure of other things too.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkdigits.images import SIZE, Images, normalise
from inkdigits.training import drawing

_OFFSETS = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2

Draw = Callable[[Images, int, np.random.Generator], Images]


def draw_outliers(digits: Images, count: int, rng: np.random.Generator) -> Images:
    """Draw ``count`` images of no digit, uint8 (count, 28, 28), the kinds in random order.

    ``digits``, uint8 (N, 28, 28), N > 0: from them the images of several digits are made. Takes
    about 0.5 ms an image. The same ``rng`` state gives the same images.
    """
    names = rng.choice(list(KINDS), count, p=[share for _, share in KINDS.values()])
    images = np.empty((count, SIZE, SIZE), np.uint8)
    for name, (draw, _) in KINDS.items():
        places = np.flatnonzero(names == name)
        images[places] = draw(digits, len(places), rng)
    return images


def _drawn(draw: Callable[[np.random.Generator], drawing.Grey]) -> Draw:
    """Make a kind of what is drawn one by one on a larger picture and then normalised."""

    def images(digits: Images, count: int, rng: np.random.Generator) -> Images:
        pictures = (normalise(draw(rng)) for _ in range(count))
        return np.stack([np.zeros((SIZE, SIZE), np.uint8), *pictures])[1:]

    return images


def several(digits: Images, count: int, rng: np.random.Generator) -> Images:
    """Squeeze two or three digits, side by side or one above another, into one image."""
    images = np.zeros((count, SIZE, SIZE), np.uint8)
    for image in images:
        chosen = digits[rng.integers(len(digits), size=2 + (rng.random() < 0.3))]
        if rng.random() < 0.75:
            image[:] = _row(chosen, rng)
        else:
            image[:] = _row(chosen.transpose(0, 2, 1), rng).T
    return images


def overlapped(digits: Images, count: int, rng: np.random.Generator) -> Images:
    """Lay two digits upon one another, apart by 3 to 8 pixels sideways, half of them cut off."""
    first, second = (digits[rng.integers(len(digits), size=count)] for _ in range(2))
    images = np.empty((count, SIZE, SIZE), np.uint8)
    for i, apart in enumerate(rng.integers(3, 9, count)):
        images[i] = np.maximum(_shift(first[i], -int(apart)), _shift(second[i], int(apart)))
    return images


def textures(digits: Images, count: int, rng: np.random.Generator) -> Images:
    """Draw gratings, plaids, checks, clouds and gradients, smooth or in black and white."""
    values = np.where(rng.random((count, 1, 1)) < 0.5, _waves(count, rng), _clouds(count, rng))
    steep = rng.choice([1.0, 3.0, 100.0], (count, 1, 1))
    values = 1 / (
        1 + np.exp(np.clip(-steep * (values - rng.normal(0, 0.7, (count, 1, 1))), -50, 50))
    )
    return _quantise(values * _contrast(count, rng) * _window(count, rng))


def noise(digits: Images, count: int, rng: np.random.Generator) -> Images:
    """Draw blanks, even grey, faint and strong noise, specks, and lines across the paper."""
    grain = rng.normal(0, 1, (count, SIZE, SIZE)) * 10 ** rng.uniform(-2.5, 0, (count, 1, 1))
    level = rng.uniform(-0.2, 0.6, (count, 1, 1)) * (rng.random((count, 1, 1)) < 0.4)
    specks = rng.random((count, SIZE, SIZE)) < 10 ** rng.uniform(-4, -0.3, (count, 1, 1))
    rows = rng.random((count, SIZE, 1)) < rng.choice([0, 0, 0, 0.04, 0.1], (count, 1, 1))
    columns = rng.random((count, 1, SIZE)) < rng.choice([0, 0, 0, 0.04, 0.1], (count, 1, 1))
    values = level + grain * (rng.random((count, 1, 1)) < 0.7)
    values += (rows | columns) * _contrast(count, rng)
    speckled = rng.random((count, 1, 1)) < 0.4
    return _quantise(values + (specks & speckled) * rng.random((count, SIZE, SIZE)))


def draw_backgrounds(count: int, rng: np.random.Generator) -> Images:
    """Draw what a digit may stand on, uint8 (count, 28, 28): textures, noise, and thin lines."""
    textured, noisy = count // 2, count // 4
    lines = [drawing.lines(rng) for _ in range(count - textured - noisy)]
    none = np.zeros((0, SIZE, SIZE), np.uint8)
    return np.concatenate(
        [
            textures(none, textured, rng),
            noise(none, noisy, rng),
            np.reshape(lines, (-1, SIZE, SIZE)),
        ]
    ).astype(np.uint8)


KINDS: dict[str, tuple[Draw, float]] = {
    "printed letters and signs": (_drawn(drawing.glyph), 0.22),
    "written letters and figures": (_drawn(drawing.letter), 0.18),
    "scribbles": (_drawn(drawing.scribble), 0.13),
    "hatching": (_drawn(drawing.hatching), 0.05),
    "faces": (_drawn(drawing.face), 0.05),
    "several digits": (several, 0.15),
    "overlapped digits": (overlapped, 0.05),
    "textures": (textures, 0.09),
    "noise and blanks": (noise, 0.08),
}
"""Kinds of outliers: how each is drawn, and its share."""


def _waves(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw one wave, the sum of two or their product, float32 (count, 28, 28), about −1 … 1."""
    angle, wavelength = rng.uniform(0, np.pi, (2, count)), rng.uniform(2.5, 40, (2, count))
    phase = rng.uniform(0, 2 * np.pi, (2, count, 1, 1))
    along = (
        np.cos(angle)[..., None, None] * _OFFSETS[:, None]
        + np.sin(angle)[..., None, None] * _OFFSETS
    )
    one, other = np.sin(2 * np.pi * along / wavelength[..., None, None] + phase)
    how = rng.integers(3, size=(count, 1, 1))
    values = np.choose(how, [one, (one + other) / 1.4, 2 * one * other])
    return np.array(values, np.float32)


def _clouds(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw noise whose amplitude falls with the frequency, float32 (count, 28, 28), variance 1."""
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)) + 0.02
    spectrum = np.fft.rfft2(rng.standard_normal((count, SIZE, SIZE)))
    values = np.fft.irfft2(
        spectrum * frequency ** -rng.uniform(0.5, 3, (count, 1, 1)), (SIZE, SIZE)
    )
    values -= values.mean((1, 2), keepdims=True)
    return np.array(values / values.std((1, 2), keepdims=True), np.float32)


def _window(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Show two in three wholly, the others in a square of 20 or in a disc, bool (count, 28, 28)."""
    rows, columns = np.abs(_OFFSETS[:, None]), np.abs(_OFFSETS)
    square, disc = np.maximum(rows, columns) < 10, np.hypot(rows, columns) < 10
    shapes = np.stack([np.ones((SIZE, SIZE), np.bool_)] * 4 + [square, disc])
    return np.asarray(shapes[rng.integers(len(shapes), size=count)])


def _contrast(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform(0.2, 1, (count, 1, 1))


def _quantise(values: NDArray[np.float64]) -> Images:
    """Turn brightness, 0–1 where it is cut off, into uint8."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _shift(image: Images, right: int) -> Images:
    """Move an image sideways; what leaves it is lost."""
    moved = np.zeros_like(image)
    if right >= 0:
        moved[:, right:] = image[:, : SIZE - right]
    else:
        moved[:, :right] = image[:, -right:]
    return moved


def _row(digits: Images, rng: np.random.Generator) -> Images:
    """Set digits side by side, touching or apart, and scale the row to 20 pixels of width."""
    row = []
    for digit in digits:
        columns = np.flatnonzero(digit.any(axis=0))
        if len(columns):
            row.append(digit[4:24, columns[0] : columns[-1] + 1])
            row.append(np.zeros((20, int(rng.integers(0, 7))), np.uint8))
    joined = np.concatenate([np.zeros((20, 1), np.uint8), *row[:-1]], axis=1)
    height = max(1, round(20 * min(1, rng.uniform(1, 1.6) * 20 / joined.shape[1])))
    squeezed = Image.fromarray(joined).resize((20, height), Image.Resampling.BOX)
    image = np.zeros((SIZE, SIZE), np.uint8)
    top = (SIZE - height) // 2
    image[top : top + height, 4:24] = np.asarray(squeezed)
    return image
