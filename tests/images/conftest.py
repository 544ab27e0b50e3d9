"""A drawn seven, and pictures as files."""

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageDraw


@pytest.fixture
def seven():
    """Black on white, mode L, 90 wide and 120 high, upright."""
    picture = Image.new("L", (90, 120), 255)
    ImageDraw.Draw(picture).line([(20, 20), (70, 20), (35, 100)], 0, 8, "curve")
    return picture


@pytest.fixture
def encode():
    def encode(picture, form="PNG", **options):
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture)
        if form == "HEIF":
            pillow_heif.register_heif_opener()
        file = io.BytesIO()
        picture.save(file, form, **options)
        return file.getvalue()

    return encode
