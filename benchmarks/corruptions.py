"""MNIST-C: fifteen ways to spoil a digit (Mu & Gilmer 2019, arXiv 1906.02337), a batch at a time.

Written anew from the paper's definitions, at the strengths of the published set. Images are uint8
(N, 28, 28); inside, brightness runs 0–1.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy import ndimage

SIZE = 28
CENTRE = (SIZE - 1) / 2
CHUNK = 200  # images of fog at a time: each needs a landscape of 256 × 256


def corrupt(name, images, rng):
    """Spoil uint8 images (N, 28, 28) in the way called ``name``; the same ``rng`` does the same."""
    spoilt = CORRUPTIONS[name](images / 255.0, rng)
    return np.rint(np.clip(spoilt, 0, 1) * 255).astype(np.uint8)


def shot_noise(x, rng):
    return rng.poisson(x * 3) / 3


def impulse_noise(x, rng):
    hit, salt = rng.random(x.shape) < 0.17, rng.random(x.shape) < 0.5
    return np.where(hit, salt, x)


def glass_blur(x, rng):
    """Blur, swap each pixel with a neighbour up or left by the toss of a coin, twice; blur."""
    shuffled = np.floor(blur(x, 0.7) * 255)
    everyone = np.arange(len(x))
    for _ in range(2):
        for row in range(SIZE - 1, 1, -1):
            for column in range(SIZE - 1, 1, -1):
                coin = rng.random(len(x)) < 0.5
                up, left = rng.integers(0, 2, (2, len(x))) * coin
                there = (everyone, row - up, column - left)
                swapped = shuffled[there]
                shuffled[there] = shuffled[:, row, column]
                shuffled[:, row, column] = swapped
    return blur(shuffled / 255, 0.7)


def motion_blur(x, rng):
    """Half a Gaussian of sigma 3 over 21 steps, within 45 degrees of level; edges go on."""
    steps = np.arange(21)
    weights = np.exp(-(steps**2) / (2 * 3**2))
    weights /= weights.sum()
    angle = np.deg2rad(rng.uniform(-45, 45, (len(x), 1, 1)))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    everyone = np.arange(len(x))[:, None, None]
    blurred = np.zeros_like(x)
    for step, weight in zip(steps, weights, strict=True):
        right = np.ceil(step * np.cos(angle) - 0.5).astype(int)
        down = np.ceil(step * np.sin(angle) - 0.5).astype(int)
        from_row, from_column = np.clip(rows + down, 0, 27), np.clip(columns + right, 0, 27)
        blurred += weight * x[everyone, from_row, from_column]
    return blurred


def shear(x, rng):
    return warp_either_way(x, rng, lambda sign: slanted(0.4 * sign))


def scale(x, rng):
    return warp(x, np.eye(2) / 0.7)


def rotate(x, rng):
    return warp_either_way(x, rng, lambda sign: turned(0.4 * sign))


def brightness(x, rng):
    return x + 0.5


def translate(x, rng):
    """Three pixels to a side and three up or down."""
    moved = np.zeros_like(x)
    down, right = rng.choice([-3, 3], (2, len(x)))
    for i, image in enumerate(np.pad(x, ((0, 0), (3, 3), (3, 3)))):
        moved[i] = image[3 - down[i] : 31 - down[i], 3 - right[i] : 31 - right[i]]
    return moved


def stripe(x, rng):
    """The negative in the outer quarters."""
    striped = x.copy()
    striped[:, :, :7] = 1 - x[:, :, :7]
    striped[:, :, 21:] = 1 - x[:, :, 21:]
    return striped


def fog(x, rng):
    foggy = np.empty_like(x)
    for start in range(0, len(x), CHUNK):
        part = slice(start, start + CHUNK)
        clear = x[part]
        most = clear.max(axis=(1, 2), keepdims=True)
        foggy[part] = (clear + 3 * landscape(len(clear), rng)) * most / (most + 3)
    return foggy


def spatter(x, rng):
    """Splashes of dark grey mud that hide what lies under them."""
    liquid = blur(rng.normal(0.65, 0.3, x.shape), 1)
    mud = blur((liquid > 0.65).astype(float), 1.5)
    mud[mud < 0.8] = 0
    return x * (1 - mud) + mud * 63 / 255


def dotted_line(x, rng):
    """A line across the whole image, of which two columns in four are drawn."""
    drawn = np.arange(SIZE) % 4 >= 2
    left, right = rng.integers(0, 27, (2, len(x)))
    lines = [segment(0, a, 27, b) * drawn for a, b in zip(left, right, strict=True)]
    return x + np.reshape(lines, x.shape)


def zigzag(x, rng):
    """A saw of teeth 2 high and 4 long, nearly level."""
    spoilt = x.copy()
    for image in spoilt:
        start = rng.integers(0, 27)
        corners = saw(start, start + rng.integers(-5, 5))
        for (c0, r0), (c1, r1) in pairwise(corners):
            image[:] = np.minimum(image + segment(c0, r0, c1, r1), 1)
    return spoilt


def canny_edges(x, rng):
    """Edges by Canny's method, sigma 1, hysteresis from 0.2 down to 0.1 of Sobel's gradient."""
    inside = ndimage.gaussian_filter(np.ones((SIZE, SIZE)), 1, mode="constant")
    soft = ndimage.gaussian_filter(x, (0, 1, 1), mode="constant") / inside
    down, right = slope(soft, 1), slope(soft, 2)
    strength = np.hypot(down, right)
    ridge = is_ridge(strength, down, right) & (strength >= 0.1)
    ridge[:, [0, -1]] = ridge[:, :, [0, -1]] = False
    joined = np.zeros((3, 3, 3))
    joined[1] = 1  # within an image, corners too
    parts, count = ndimage.label(ridge, joined)
    strong = np.zeros(count + 1, bool)
    strong[parts[ridge & (strength >= 0.2)]] = True
    strong[0] = False
    return strong[parts].astype(float)


CORRUPTIONS: dict[str, Callable] = {
    f.__name__: f
    for f in (
        shot_noise, impulse_noise, glass_blur, motion_blur, shear, scale, rotate, brightness,
        translate, stripe, fog, spatter, dotted_line, zigzag, canny_edges,
    )
}  # fmt: skip


def blur(x, sigma):
    return ndimage.gaussian_filter(x, (0, sigma, sigma), mode="nearest", truncate=4)


def turned(angle):
    """Where the pixel at (row, column) from the centre is read, for a turn by ``angle``."""
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def slanted(angle):
    """Columns lean by ``angle``, and keep their length, so that the image grows lower."""
    return np.array([[np.cos(angle), 0], [-np.sin(angle), 1]])


def warp(x, matrix):
    """Read each pixel at ``matrix`` times its place from the centre; bilinear, black outside."""
    whole = np.eye(3)
    whole[1:, 1:] = matrix
    centre = np.array([0, CENTRE, CENTRE])
    return ndimage.affine_transform(
        x, whole, centre - whole @ centre, order=1, mode="grid-constant"
    )


def warp_either_way(x, rng, matrix):
    positive = rng.random(len(x)) < 0.5
    warped = np.empty_like(x)
    for sign, places in ((1, positive), (-1, ~positive)):
        warped[places] = warp(x[places], matrix(sign))
    return warped


def landscape(count, rng, side=256, decay=1.4):
    """Plasma fractals by diamonds and squares on a torus, 0–1; their corners (count, 28, 28)."""
    height = np.zeros((count, side, side), np.float32)
    step, wobble = side, 100.0

    def mean_of_four(total):
        amplitude = np.float32(wobble**2)
        return total / 4 + amplitude * (2 * rng.random(total.shape, np.float32) - 1)

    while step >= 2:
        half = step // 2
        corners = height[:, ::step, ::step]
        pairs = corners + np.roll(corners, -1, axis=1)
        height[:, half::step, half::step] = mean_of_four(pairs + np.roll(pairs, -1, axis=2))
        middles = height[:, half::step, half::step]
        across = middles + np.roll(middles, 1, axis=1) + corners + np.roll(corners, -1, axis=2)
        height[:, ::step, half::step] = mean_of_four(across)
        along = middles + np.roll(middles, 1, axis=2) + corners + np.roll(corners, -1, axis=1)
        height[:, half::step, ::step] = mean_of_four(along)
        step, wobble = half, wobble / decay
    low, high = height.min((1, 2), keepdims=True), height.max((1, 2), keepdims=True)
    return ((height - low) / (high - low))[:, :SIZE, :SIZE]


def segment(c0, r0, c1, r1):
    """A soft line from column c0 to c1; its brightness falls as log(1 − distance / 2.3) + 1."""
    if c1 == c0:
        return np.zeros((SIZE, SIZE))
    columns, rows = np.arange(SIZE), np.arange(SIZE)[:, None]
    distance = np.abs(rows - (r1 - r0) / (c1 - c0) * (columns - c0) - r0)
    line = np.clip(np.log(1 - np.minimum(distance, 2.29) / 2.3) + 1, 0, 1)
    return line * ((columns >= np.floor(c0)) & (columns < np.ceil(c1)))


def saw(first, last):
    """Corners (K, 2) as (column, row) of teeth from (2, first) to (25, last)."""
    angle = np.arctan((last - first) / 23)
    length = 23 / np.cos(angle)
    teeth = np.arange(int((length - 2) // 4) + 1)
    along, aside = 4.0 * teeth + 2, 2.0 * (-1.0) ** teeth
    rest = length % 4
    if rest:
        along, aside = np.append(along, length), np.append(aside, aside[-1] / (2 * rest))
    along, aside = np.append(0, along), np.append(0, aside)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([2 + cosine * along - sine * aside, first + sine * along + cosine * aside], 1)


def slope(x, axis):
    """Sobel's gradient along rows (axis 1) or columns (axis 2) of each image."""
    across = ndimage.correlate1d(x, [1, 2, 1], axis=3 - axis)
    return ndimage.correlate1d(across, [-1, 0, 1], axis=axis)


def is_ridge(strength, down, right):
    """Whether no gradient is steeper just before or behind, along its own direction."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    largest = np.maximum(np.maximum(np.abs(down), np.abs(right)), 1e-12)
    everyone = np.broadcast_to(np.arange(len(strength))[:, None, None], strength.shape)
    highest = np.ones_like(strength, bool)
    for sign in (1, -1):
        # One step along the gradient ends between two neighbours, on the edge of a square.
        there = [everyone, rows + sign * down / largest, columns + sign * right / largest]
        highest &= strength >= ndimage.map_coordinates(strength, there, order=1, mode="constant")
    return highest & (strength > 0)
