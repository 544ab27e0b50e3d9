"""Random affine changes of a whole batch at a time."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from inkdigits.images import SIZE
from inkdigits.training.recipe import Affine

Draws = NDArray[np.float32]
"""One row an image: rotation (radians), shift down and right (pixels), zoom of rows and columns."""


def draw(augmentation: Affine, count: int, rng: np.random.Generator) -> Draws:
    """Draw the changes of ``count`` images, float32 (count, 5)."""
    angle = math.radians(augmentation.rotation)
    shift = augmentation.shift * SIZE
    zoom = augmentation.zoom
    low = np.array([-angle, -shift, -shift, 1 - zoom, 1 - zoom], np.float32)
    high = np.array([angle, shift, shift, 1 + zoom, 1 + zoom], np.float32)
    return low + (high - low) * rng.random((count, 5), np.float32)


def augment(images: Tensor, draws: Tensor) -> Tensor:
    """Change images (N, 28, 28), uint8 or float, by ``draws`` (N, 5); returns float32, same range.

    The pixel at p, seen from the centre c, is read at c + R(Z(p − c) + t): zoomed, shifted, then
    rotated, as Keras's ImageDataGenerator does. Bilinear; outside, the nearest pixel counts.
    """
    angle, down, right, zoom_rows, zoom_columns = draws[:, :, None, None].unbind(1)
    cosine, sine = angle.cos(), angle.sin()
    middle = (SIZE - 1) / 2
    offsets = torch.arange(SIZE, device=images.device) - middle
    rows = zoom_rows * offsets[:, None] + down
    columns = zoom_columns * offsets + right
    # grid_sample wants x (columns) before y (rows), and half the image as the unit of length.
    x = sine / middle * rows + cosine / middle * columns
    y = cosine / middle * rows - sine / middle * columns
    pixels = images.to(torch.float32).unsqueeze(1)
    grid = torch.stack([x, y], dim=-1)
    changed = F.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="border", align_corners=True
    )
    return changed.squeeze(1)
