"""Picture files to grey arrays, safely: limits before decoding, and one error for what is damaged.

Decoding stays under 512 MiB of memory, the process with NumPy and Pillow included.
"""

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from inkdigits.errors import DataError, TooLarge
from inkdigits.images.colour import SIDE, grey_weights
from inkdigits.images.contract import Images

MAX_BYTES = 64 * 2**20
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
# What fits into the memory: WebP's decoder takes 16 bytes a pixel, a large JPEG is halved while it
# is decoded, unless it is progressive, which holds all its coefficients at once.
_MEGAPIXELS = {"JPEG": 50, "HEIF": 50, "WEBP": 16}
_MEGAPIXELS_ELSE = 36
_BOMB = f"over {_MEGAPIXELS_ELSE} megapixels; scale the picture down"
_HALVED_ABOVE = 16_000_000
_STRIP = 4_000_000  # pixels turned to grey at a time
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_ORIENTATION = 0x0112  # in EXIF
_COLOURED = {"RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "CMYK", "YCbCr", "HSV"}  # Pillow's modes


def read_picture(path: Path) -> Images:
    """Read a picture file as grey uint8 (H, W); DataError as in decode, or if it cannot be read."""
    try:
        if path.is_dir():
            raise DataError("a folder; give the pictures in it", path)
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be read ({reason}); see that it is there", path) from error
    return decode(content, path)


def decode(content: bytes, where: object = None) -> Images:
    """Decode a picture to grey uint8 (H, W), upright; the first frame, if it is animated.

    PNG, JPEG, WebP, BMP, TIFF, GIF, PGM and PPM; HEIC with the extra ``heic``. What was transparent
    becomes white, or black where all ink is white. Ink that differs from its paper in colour much
    more than in light is told from it by its colour. Values deeper than 8 bits are stretched over
    0–255. A JPEG of more than 16 megapixels comes at half its size.

    Raises DataError if the bytes are no such picture or are cut short; TooLarge, which is one, if
    they are too many (MAX_BYTES) or the picture has more than 36 megapixels (JPEG and HEIC 50,
    WebP 16).
    """
    if not content:
        raise DataError("the file is empty; copy or download it again", where)
    if len(content) > MAX_BYTES:
        raise TooLarge(
            f"larger than {MAX_BYTES >> 20} MiB; scale the picture down, or save it as JPEG", where
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, on damage that is told here or does no harm
        try:
            with _open(content, where) as picture:
                _check_size(picture, where)
                return np.asarray(_upright_grey(picture))
        except DataError:
            raise
        except UnidentifiedImageError as error:
            message = "not a picture in a format known here; save it as PNG or JPEG"
            raise DataError(message, where) from error
        except Image.DecompressionBombError as error:
            raise TooLarge(_BOMB, where) from error
        except Exception as error:  # decoders raise whatever they like on damaged bytes
            raise DataError("the picture is damaged or cut short; save it anew", where) from error


def to_grey(picture: Image.Image) -> Images:
    """Return a PIL image as decode returns a file: grey uint8 (H, W), upright.

    Raises DataError for one that is empty, closed, damaged or of a mode that cannot be turned to
    grey; TooLarge as decode does.
    """
    _check_size(picture, None)
    try:
        picture.load()
        return np.asarray(_upright_grey(picture))
    except Exception as error:  # decoders raise whatever they like
        raise DataError(
            f"this PIL image, of mode {picture.mode}, cannot be read; open it again, or convert it "
            "to RGB"
        ) from error


def picture_size(content: bytes) -> tuple[int, int]:
    """Return width and height as the picture's header has them, before anything is decoded.

    DataError where there is no such header; TooLarge where it tells of hundreds of megapixels.
    """
    try:
        with _open(content, None) as picture:
            return picture.size
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise TooLarge(_BOMB) from error
    except Exception as error:  # decoders raise whatever they like on damaged bytes
        raise DataError("not a picture in a format known here; save it as PNG or JPEG") from error


def _open(content: bytes, where: object) -> Image.Image:
    formats: tuple[str, ...] = FORMATS
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        try:
            from pillow_heif import register_heif_opener
        except ImportError as error:
            message = "HEIC needs one package more: pip install 'inkdigits[heic]'; or save as JPEG"
            raise DataError(message, where) from error
        register_heif_opener()
        formats = ("HEIF",)
    return Image.open(io.BytesIO(content), formats=formats)


def _check_size(picture: Image.Image, where: object) -> None:
    most = _MEGAPIXELS.get(picture.format or "", _MEGAPIXELS_ELSE)
    if picture.info.get("progressive"):
        most = _MEGAPIXELS_ELSE
    if picture.width * picture.height > most * 1_000_000:
        raise TooLarge(
            f"picture of {picture.width}×{picture.height} pixels; at most {most} megapixels are "
            "read, so scale it down",
            where,
        )


def _upright_grey(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    halves = 2 if width * height > _HALVED_ABOVE else 1
    picture.draft(None, (width // halves, height // halves))  # heeded by JPEG alone
    picture.load()
    if picture.format == "PNG" and picture.mode == "L" and not picture.info:
        return picture  # grey and upright already, as single digits mostly come: half the time
    grey = _grey(picture, "white")
    if _transparent(picture) and np.asarray(grey).min() > 128:
        grey = _grey(picture, "black")
    grey.getexif()[_ORIENTATION] = picture.getexif().get(_ORIENTATION, 1)
    return ImageOps.exif_transpose(grey)


def _transparent(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _grey(picture: Image.Image, ground: str) -> Image.Image:
    """Turn a picture to mode L in strips, so that only one of them is held more than once."""
    grey = Image.new("L", picture.size)
    weights, extremes = None, (0.0, 1.0)
    if picture.mode in _COLOURED:
        weights = grey_weights(_on(ground, _small(picture)).convert("RGB"))
    elif picture.mode[0] in "IF":
        extremes = _extremes(picture)
    for box in _strips(picture):
        strip = _on(ground, picture.crop(box))
        if strip.mode[0] in "IF":
            strip = _stretched(strip, *extremes)
        elif strip.mode == "LAB":
            strip = strip.getchannel("L")
        elif weights is not None:
            strip = strip.convert("RGB").convert("L", weights)
        grey.paste(strip.convert("L"), box)
    return grey


def _strips(picture: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    rows = max(1, _STRIP // picture.width)
    for top in range(0, picture.height, rows):
        yield 0, top, picture.width, min(top + rows, picture.height)


def _on(ground: str, picture: Image.Image) -> Image.Image:
    """Put what is transparent on a ground of that colour."""
    if not _transparent(picture):
        return picture
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, ground), layer)


def _small(picture: Image.Image) -> Image.Image:
    """Take every so manieth pixel, as many as grey_weights looks at."""
    scale = min(1.0, SIDE / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.NEAREST)


def _extremes(picture: Image.Image) -> tuple[float, float]:
    """Return the least and the largest value that is a number."""
    ends: list[float] = []
    for box in _strips(picture):
        values = np.asarray(picture.crop(box))
        known = values[np.isfinite(values)]
        if known.size:
            ends += float(known.min()), float(known.max())
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _stretched(strip: Image.Image, low: float, high: float) -> Image.Image:
    values = (np.asarray(strip, np.float32) - low) * (255 / max(high - low, 1e-9))
    whole = np.nan_to_num(values, posinf=255).clip(0, 255).round()
    return Image.fromarray(whole.astype(np.uint8))
