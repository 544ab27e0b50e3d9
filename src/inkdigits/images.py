"""What a digit image is, and how any picture becomes one.

A digit image is ``uint8 (28, 28)``, white ink (255) on black (0), in MNIST's geometry: the ink
fitted into 20×20, its centre of mass at pixel (14, 14) (LeCun et al., the MNIST database page).
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from inkdigits.errors import DataError

SIZE = 28
INK_BOX = 20
CENTRE = 14
MAX_PIXELS = 64_000_000

Images = NDArray[np.uint8]


def check_images(images: NDArray[Any], where: object = None) -> Images:
    """Return ``images`` as contiguous uint8 (N, 28, 28); N may be 0.

    Accepts (28, 28), (N, 28, 28), (N, 28, 28, 1) and (N, 784) of any integer or float type whose
    values lie in 0–255. Raises DataError for other shapes and for values outside 0–255.
    """
    array = np.asarray(images)
    if array.dtype == object or array.dtype.kind not in "biuf":
        raise DataError(f"images hold {array.dtype}, not numbers; give uint8 values 0–255", where)
    if array.shape == (SIZE, SIZE):
        array = array[None]
    elif array.ndim == 4 and array.shape[1:] == (SIZE, SIZE, 1):
        array = array[..., 0]
    elif array.ndim == 2 and array.shape[1] == SIZE * SIZE:
        array = array.reshape(-1, SIZE, SIZE)
    if array.ndim != 3 or array.shape[1:] != (SIZE, SIZE):
        raise DataError(
            f"images have shape {array.shape} where (N, 28, 28) belongs; "
            "normalise pictures of another size first",
            where,
        )
    if array.dtype != np.uint8 and array.size:
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= 255):
            raise DataError(f"pixel values run from {low} to {high}; 0–255 belong there", where)
        if array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
            raise DataError("pixel values are fractions; scale them to whole numbers 0–255", where)
    return np.ascontiguousarray(array, dtype=np.uint8)


def decode(content: bytes, where: object = None) -> Images:
    """Decode a picture to grey uint8 (H, W), upright, on white where it was transparent.

    Raises DataError if the bytes are no picture, are cut short, or hold over 64 megapixels.
    """
    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise DataError(
                    f"picture of {picture.width}×{picture.height} pixels; "
                    f"at most {MAX_PIXELS // 1_000_000} megapixels are read, so scale it down",
                    where,
                )
            picture.load()
            upright = ImageOps.exif_transpose(picture)
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError("not a picture in a format known here; save it as PNG", where) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise DataError("the picture is damaged or cut short; save it anew", where) from error
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.asarray(upright.convert("L"))


def read_picture(path: Path) -> Images:
    """Read a picture file as grey uint8 (H, W); DataError as in decode, or if it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", path) from error
    if not content:
        raise DataError("the file is empty", path)
    return decode(content, path)


def normalise(picture: Images) -> Images:
    """Bring a grey picture (H, W) of one digit, of any size and polarity, to a digit image.

    A picture that is 28×28 with a black border is in MNIST's form already and passes unchanged.
    """
    if picture.shape == (SIZE, SIZE) and not _border(picture).any():
        return picture
    ink = picture.astype(np.float32)
    if np.median(_border(picture)) > 127:
        ink = 255 - ink
    ink -= np.median(_border(ink))
    ink = np.clip(ink, 0, None)
    peak = ink.max(initial=0)
    if peak == 0:
        return np.zeros((SIZE, SIZE), np.uint8)
    ink *= 255 / peak
    rows = np.flatnonzero((ink > 64).any(axis=1))
    columns = np.flatnonzero((ink > 64).any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = INK_BOX / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    small = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BOX))
    return _centre(small)


def _border(picture: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])


def _centre(ink: NDArray[np.float32]) -> Images:
    """Place ink (h, w), at most 20×20, on 28×28 with its centre of mass at pixel (14, 14)."""
    total = ink.sum()
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    corner = []
    for axis, side in enumerate(ink.shape):
        mass = ink.sum(axis=1 - axis)
        middle = float((mass * np.arange(side)).sum() / total)
        corner.append(int(np.clip(round(CENTRE - middle), 0, SIZE - side)))
    top, left = corner
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = np.rint(np.clip(ink, 0, 255))
    return canvas
