"""Kaggle's train.csv (label,pixel0,…,pixel783) and test.csv (no label), plain, .gz or .zip.

Blocks of lines go through ``csv_blocks``, which is quick; one that is not plain goes row by row
through ``csv_rows``, which reads it or says what is wrong in which line and column.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from inkdigits.data import csv_blocks, csv_rows
from inkdigits.data.dataset import BLOCK, CLASSES, Dataset, Labels
from inkdigits.data.files import ZIP, open_file, open_member, reading, zip_names
from inkdigits.errors import DataError
from inkdigits.images import SIZE

PIXELS = [f"pixel{i}" for i in range(SIZE * SIZE)]
HEADERS = (["label", *PIXELS], PIXELS)

_EXPECTED = "label,pixel0,…,pixel783 (or pixel0,…,pixel783)"


def matches(path: Path, head: bytes) -> bool:
    """Tell a CSV file by a comma in its first line of text, a zip by a .csv file in it."""
    if head.startswith(ZIP):
        return any(_is_csv(name) for name in zip_names(path))
    first_line = head.partition(b"\n")[0]
    return (b"," in first_line and b"\0" not in head) or ".csv" in map(str.lower, path.suffixes)


def load(path: Path) -> Dataset:
    """Read a CSV file; without a label column, labels are None and ids are Kaggle's ImageIds.

    Of a zip with several CSV files, train.csv is read. Raises DataError that names line and column.
    """
    with _opened(path) as (text, source):
        columns = _header(text, source)
        most = path.stat().st_size // (2 * len(columns))  # of two characters a value, if not packed
        images, labels = _collect(_rows(text, columns, source), most)
    if len(columns) == len(PIXELS):
        return Dataset(images, None, source, ids=_image_ids(1, len(images)))
    return Dataset(images, labels, source)


def stream(path: Path) -> Iterator[Dataset]:
    """Yield the images of a CSV file; without a label column, ids are Kaggle's ImageIds."""
    with _opened(path) as (text, source):
        columns = _header(text, source)
        rows, first = _rows(text, columns, source), 1
        while len(images := _collect(rows, BLOCK, enough=BLOCK)[0]):
            ids = _image_ids(first, len(images)) if len(columns) == len(PIXELS) else None
            yield Dataset(images, None, source, ids=ids)
            first += len(images)


def _collect(
    parts: Iterator[tuple[Labels, Labels]], room: int, enough: int | None = None
) -> tuple[Labels, Labels]:
    """Copy all parts, or ``enough`` rows, into arrays made for ``room`` rows, grown if needed."""
    images, labels = np.empty((room, len(PIXELS)), np.uint8), np.empty(room, np.uint8)
    end = 0
    for pixels, firsts in parts:
        start, end = end, end + len(pixels)
        if end > len(images):
            images.resize((2 * end, len(PIXELS)), refcheck=False)
            labels.resize(2 * end, refcheck=False)
        images[start:end], labels[start:end] = pixels, firsts
        if enough is not None and end >= enough:
            break
    return images[:end], labels[:end]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[io.BufferedIOBase, str]]:
    """Open a CSV file, packed or not; of a zip with several, train.csv. Also gives its name."""
    with path.open("rb") as file:
        zipped = file.read(len(ZIP)) == ZIP
    if zipped:
        name = _choose(path)
        with open_member(path, name) as stream:
            yield stream, f"{path} ({name})"
    else:
        with reading(path), open_file(path) as stream:
            yield stream, str(path)


def is_kaggle_test(dataset: Dataset) -> bool:
    """Tell whether a data set is Kaggle's test.csv, or another in its form."""
    return dataset.labels is None and dataset.ids == _image_ids(1, len(dataset))


def _image_ids(first: int, count: int) -> list[str]:
    return [str(number) for number in range(first, first + count)]


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv")


def _choose(path: Path) -> str:
    names = [name for name in zip_names(path) if _is_csv(name)]
    names = [name for name in names if not name.startswith("__MACOSX/")]
    trains = [name for name in names if Path(name).name.lower() == "train.csv"]
    if len(names) != 1 and len(trains) != 1:
        raise DataError(f"holds {', '.join(names)}; unpack it and give one of them", path)
    return (trains or names)[0]


def _rows(
    stream: io.BufferedIOBase, columns: list[str], source: str
) -> Iterator[tuple[Labels, Labels]]:
    """Yield rows as pixels uint8 (n, 784) and what stands before them, the labels if there are."""
    first_pixel = len(columns) - len(PIXELS)
    line = 2
    for text, values in csv_blocks.parsed(stream, len(columns), source):
        if values is None or (first_pixel and values[:, 0].max() >= CLASSES):
            block = text[len(csv_blocks.LEAD) :].tobytes()
            values = csv_rows.read(block, columns, source, line)
            line += block.count(b"\n")
        else:
            line += len(values)
        if len(values):
            yield values[:, first_pixel:], values[:, 0]
    if line == 2:
        raise DataError("only a header, no rows; get the whole file", source)


def _header(stream: io.BufferedIOBase, source: str) -> list[str]:
    line = stream.readline(2**16).decode("utf-8-sig", "replace").strip()
    names = [name.strip().strip('"') for name in line.split(",")]
    if names in HEADERS:
        return names
    where = f"{source}, line 1"
    if names == ["ImageId", "Label"]:
        raise DataError(
            "this is Kaggle's sample_submission.csv, the form for answers; "
            "give train.csv or test.csv",
            where,
        )
    expected = HEADERS[0] if names[0] == "label" else HEADERS[1]
    if len(names) != len(expected):
        raise DataError(
            f"{len(names)} columns, the first called {names[0][:30]!r}; "
            f"the header {_EXPECTED} belongs there",
            where,
        )
    i = next(i for i in range(len(names)) if names[i] != expected[i])
    raise DataError(
        f"column {i + 1} is called {names[i][:30]!r} where {expected[i]} belongs; "
        f"the header is {_EXPECTED}",
        where,
    )
