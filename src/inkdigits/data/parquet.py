"""Parquet as Hugging Face ships MNIST: columns image (struct of bytes and path) and label."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inkdigits.data.dataset import BLOCK, Dataset, Labels
from inkdigits.data.files import LIMIT, NO_IMAGES
from inkdigits.data.pictures import from_pictures
from inkdigits.errors import DataError
from inkdigits.images import SIZE, Images, decode

_MAGIC = b"PAR1"
# How a PNG of 28×28 pixels with 8 bits of grey begins.
_GREY_28 = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBB", 13, b"IHDR", SIZE, SIZE, 8, 0)


def matches(path: Path, head: bytes) -> bool:
    """Tell a Parquet file by its magic number, a folder by .parquet files up to a level down."""
    return bool(_files(path)) if path.is_dir() else head.startswith(_MAGIC)


def load(path: Path) -> Dataset:
    """Read a file, or a folder of them in which test-*.parquet becomes ``test``.

    Raises DataError for a damaged file, other columns, and a broken picture (naming its row).
    """
    if path.is_file():
        return _part([path], str(path))
    files = _files(path)
    tests = [file for file in files if file.name.startswith("test")]
    trains = [file for file in files if file not in tests]
    if not trains:
        return _part(tests, str(path))
    part = _part(trains, str(path))
    test = _part(tests, f"{path} (test)") if tests else None
    return Dataset(part.images, part.labels, str(path), test=test)


def stream(path: Path) -> Iterator[Dataset]:
    """Yield the images of a file, or of a folder's test files, or else of all its files."""
    files = [path] if path.is_file() else _files(path)
    tests = [file for file in files if file.name.startswith("test")]
    for file in (tests or files) if path.is_dir() else files:
        row = 0
        with opened(file) as parquet:
            # A row group can be the whole file, so it is read a page at a time.
            for batch in parquet.iter_batches(BLOCK, columns=["image"]):
                rows = batch.column("image").to_pylist()
                pictures = [
                    decode_row(each, f"{file}, row {row + i}") for i, each in enumerate(rows)
                ]
                row += len(rows)
                if pictures:
                    yield Dataset(from_pictures(pictures), None, str(path))


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet")) or sorted(folder.glob("*/*.parquet"))


def _part(files: list[Path], source: str) -> Dataset:
    pictures: list[Images] = []
    labels: list[Labels | None] = []
    for file in files:
        more, label = _read(file)
        pictures += more
        labels.append(label)
    if not pictures:
        raise DataError(NO_IMAGES, source)
    known = [label for label in labels if label is not None]
    if known and len(known) != len(labels):
        raise DataError("some of its files have labels and some have none", source)
    return Dataset(from_pictures(pictures), np.concatenate(known) if known else None, source)


def _read(path: Path) -> tuple[list[Images], Labels | None]:
    with opened(path) as file:
        groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > LIMIT:
            raise DataError("would unpack to more than 4 GiB; give a part of it", path)
        table = file.read(columns=["image", "label"])
    rows = table.column("image").to_pylist()
    pictures = [decode_row(row, f"{path}, row {i}") for i, row in enumerate(rows)]
    if "label" not in table.column_names:
        return pictures, None
    return pictures, table.column("label").to_numpy()


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file that has images; what goes wrong in the block is told as damage."""
    # Imported here because it takes 0.1 s, which no other source needs.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False) as file:
            schema = file.schema_arrow
            if "image" not in schema.names or not pa.types.is_struct(schema.field("image").type):
                raise DataError(
                    f"has columns {', '.join(schema.names)}; image (a struct with bytes) and label "
                    "belong there",
                    path,
                )
            yield file
    except (pa.ArrowException, OSError) as error:
        raise DataError("damaged or cut short; copy or download it again", path) from error


def decode_row(row: dict[str, bytes | None] | None, where: str) -> Images:
    """Decode the picture of a row; DataError at ``where`` if it has none or a broken one."""
    content = row and row.get("bytes")
    if not content:
        raise DataError("the picture is missing; remove or restore the row", where)
    if content.startswith(_GREY_28) and b"tRNS" not in content and b"eXIf" not in content:
        # All of MNIST; decode() would take 70,000 of them 2 s longer, and has the words for damage.
        with (
            suppress(OSError, SyntaxError, ValueError),
            Image.open(BytesIO(content), formats=("PNG",)) as png,
        ):
            return np.asarray(png)
    return decode(content, where)
