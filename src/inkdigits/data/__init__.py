"""Images and labels in. What kind of source it is, is found by looking at it."""

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inkdigits.data import files, folder, idx, kaggle_csv, npz, parquet
from inkdigits.data.dataset import CLASSES, Dataset, Labels, blocks, check_labels
from inkdigits.data.kaggle_csv import is_kaggle_test
from inkdigits.data.mnist import mnist, mnist42k
from inkdigits.errors import DataError

__all__ = ["CLASSES", "Dataset", "Labels", "check_labels", "is_kaggle_test", "load", "stream"]


@dataclass(frozen=True)
class Kind:
    """A kind of source: how it is told from its path and first bytes, and how it is read.

    ``load`` reads it whole, ``stream`` the images of its test part, or else all, block by block.
    """

    what: str
    matches: Callable[[Path, bytes], bool]
    load: Callable[[Path], Dataset]
    stream: Callable[[Path], Iterator[Dataset]]


NAMED: dict[str, Callable[[], Dataset]] = {"mnist": mnist, "mnist42k": mnist42k}

# The first that matches counts: those with a magic number stand before those without.
KINDS = (
    Kind("Parquet as Hugging Face ships MNIST", parquet.matches, parquet.load, parquet.stream),
    Kind("NumPy's .npz", npz.matches, npz.load, npz.stream),
    Kind("IDX files", idx.matches, idx.load, idx.stream),
    Kind(
        "Kaggle's train.csv and test.csv (also .gz, .zip)",
        kaggle_csv.matches,
        kaggle_csv.load,
        kaggle_csv.stream,
    ),
    Kind("a folder of pictures, one folder per label", folder.matches, folder.load, folder.stream),
)


def load(source: str | Path) -> Dataset:
    """Load ``"mnist"``, ``"mnist42k"``, or the file or folder at a path, whatever kind it is.

    Raises DataError, which names the file, the place in it and the remedy.
    """
    if str(source) in NAMED:
        return NAMED[str(source)]()
    path = files.find(source)
    kind = _kind(path)
    with files.reading(path):
        return kind.load(path)


def stream(source: str | Path) -> Iterator[Dataset]:
    """Yield the images of a source, of whatever size, in blocks that need little memory.

    Of a source with a test part, that part. Blocks have no labels; pictures of 28×28 are judged
    block by block, whether they are digit images already. Raises DataError as ``load`` does, but in
    part only when the place is reached.
    """
    if str(source) in NAMED:
        dataset = NAMED[str(source)]()
        yield from blocks(dataset.test or dataset)
        return
    path = files.find(source)
    empty = True
    with files.reading(path):
        for block in _kind(path).stream(path):
            empty = False
            yield block
    if empty:
        raise DataError(files.NO_IMAGES, path)


def _kind(path: Path) -> Kind:
    """Look at what is at ``path``; raises DataError where nothing known here is."""
    with files.reading(path):
        if not (path.is_file() or path.is_dir()):
            if path.exists():
                raise DataError(
                    "is neither a file nor a folder; save what comes from it as a file first", path
                )
            if path.is_symlink():
                raise DataError("is a link to what is not there; check where it points", path)
            if str(path) == "-":
                raise DataError("data are not read from stdin; save them as a file first", path)
            raise DataError(f"there is no such file or folder{_similar(path)}", path)
        head = b"" if path.is_dir() else files.head(path)
        if not head and path.is_file():
            raise DataError(files.EMPTY, path)
        for kind in KINDS:
            if kind.matches(path, head):
                return kind
    if path.suffix.lower() in folder.SUFFIXES:
        raise DataError("a single picture; give a folder of them, or use `inkdigits read`", path)
    known = "; ".join(kind.what for kind in KINDS)
    raise DataError(f"not a kind of data known here, which are: {known}", path)


def _similar(path: Path) -> str:
    beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, [*beside, *NAMED], n=1)
    return f"; did you mean {close[0]}?" if close else "; check the path"
