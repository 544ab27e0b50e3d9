"""IDX pairs, MNIST's own form: an images file, its labels file beside it, each plain or gzip."""

import io
import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkdigits.data.dataset import BLOCK, Dataset, blocks
from inkdigits.data.files import EMPTY, LIMIT, open_file, reading
from inkdigits.data.pictures import from_array
from inkdigits.errors import DataError
from inkdigits.images import SIZE

_IMAGES = 0x803  # unsigned bytes in 3 dimensions
_LABELS = 0x801  # unsigned bytes in 1 dimension
_NAME = re.compile(r"(images?|labels?)[-._]idx([13])[-._]ubyte", re.IGNORECASE)


def matches(path: Path, head: bytes) -> bool:
    """Tell an IDX file by its two leading zero bytes, or its name; a folder by names alone."""
    if path.is_dir():
        return any(_is_images(file) for file in path.iterdir())
    return head.startswith(b"\0\0") or bool(_NAME.search(path.name))


def load(path: Path) -> Dataset:
    """Read an images file with the labels beside it, or a folder of such; t10k becomes ``test``.

    Images without a labels file have labels None. Raises DataError for a wrong magic number, for
    more or less data than the header says, and for counts that differ.
    """
    if path.is_file():
        return _pair(path, str(path))
    trains, tests = _images_in(path)
    if not trains:
        return _pair(tests[0], str(path))
    part = _pair(trains[0], str(path))
    test = _pair(tests[0], f"{path} (test)") if tests else None
    return Dataset(part.images, part.labels, str(path), test=test)


def stream(path: Path) -> Iterator[Dataset]:
    """Yield the images of a file, or of a folder's t10k, or else of its first images file."""
    if path.is_dir():
        trains, tests = _images_in(path)
        file = (tests or trains)[0]
    else:
        file = path
    with reading(file), open_file(file) as content:
        shape = _shape(content, _IMAGES, file)
        if shape[1:] != (SIZE, SIZE):
            yield from blocks(Dataset(from_array(_array(file, _IMAGES), file), None, str(path)))
            return
        for start in range(0, shape[0], BLOCK):
            count = min(BLOCK, shape[0] - start)
            last = start + count == shape[0]
            images = _content(content, (count, SIZE, SIZE), file, last)
            yield Dataset(images, None, str(path))


def _images_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files of training images and of test images."""
    # Plain before .gz: some downloaders leave both lying in one folder.
    files = sorted(filter(_is_images, folder.iterdir()), key=lambda file: (file.suffix, file.name))
    tests = [file for file in files if re.match(r"t10k|test", file.name, re.IGNORECASE)]
    return [file for file in files if file not in tests], tests


def _is_images(path: Path) -> bool:
    found = _NAME.search(path.name)
    return bool(found and found[2] == "3")


def _pair(path: Path, source: str) -> Dataset:
    images = from_array(_array(path, _IMAGES), path)
    beside = _labels_beside(path)
    labels = None if beside is None else _array(beside, _LABELS)
    if labels is not None and len(labels) != len(images):
        raise DataError(
            f"{len(labels)} labels for the {len(images)} images of {path.name}; "
            "take both files from one source",
            beside,
        )
    return Dataset(images, labels, source)


def _labels_beside(path: Path) -> Path | None:
    found = _NAME.search(path.name)
    if not found:
        return None
    word = found[0].replace("image", "label").replace("idx3", "idx1")
    plain = path.name.replace(found[0], word).removesuffix(".gz")
    candidates = (path.with_name(name) for name in (plain, f"{plain}.gz"))
    return next((file for file in candidates if file.exists()), None)


def _array(path: Path, magic: int) -> NDArray[np.uint8]:
    with reading(path), open_file(path) as stream:
        return _content(stream, _shape(stream, magic, path), path)


def _shape(stream: io.BufferedIOBase, magic: int, path: Path) -> tuple[int, ...]:
    """Read the header."""
    found = stream.read(4)
    dimensions = magic & 0xFF
    sizes = stream.read(4 * dimensions)
    if found != struct.pack(">I", magic):
        raise DataError(_wrong_magic(found, magic) if found else EMPTY, path)
    if len(sizes) < 4 * dimensions:
        raise DataError("ends within its header; copy or download it again", path)
    shape = struct.unpack(f">{dimensions}I", sizes)
    if math.prod(shape) > LIMIT:
        raise DataError(
            f"its header claims {math.prod(shape):,} bytes, over 4 GiB; it is damaged", path
        )
    return shape


def _content(
    stream: io.BufferedIOBase, shape: tuple[int, ...], path: Path, last: bool = True
) -> NDArray[np.uint8]:
    """Read as many bytes as ``shape`` has; if they are the ``last``, nothing may follow them."""
    size = math.prod(shape)
    content = stream.read(size + last)
    if len(content) != size:
        amount = "more" if len(content) > size else f"{len(content):,}"
        raise DataError(
            f"{amount} bytes of data where its header says {size:,}; copy or download it again",
            path,
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _wrong_magic(found: bytes, magic: int) -> str:
    if magic == _IMAGES and found == struct.pack(">I", _LABELS):
        return "holds labels; give the images file, and the labels are found beside it"
    kind = "images" if magic == _IMAGES else "labels"
    return (
        f"magic number 0x{found.hex()} where 0x{magic:08x} (IDX {kind}) belongs; "
        "give another file, or copy or download it again"
    )
