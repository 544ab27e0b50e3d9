"""Folders of pictures: a folder for each label 0–9, or pictures without labels."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from inkdigits.data.dataset import BLOCK, Dataset
from inkdigits.data.pictures import from_pictures
from inkdigits.errors import DataError
from inkdigits.images import read_picture

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}
_LABELS = [str(label) for label in range(10)]
_TRAIN = ("train", "training")
_TEST = ("test", "testing")


def matches(path: Path, head: bytes) -> bool:
    """Every folder that no other kind claimed is taken for pictures."""
    return path.is_dir()


def load(path: Path) -> Dataset:
    """Read a folder of pictures; a train and a test folder in it become the set and its ``test``.

    ``ids`` are the files' names within the folder. Files that are no pictures by their suffix are
    passed over. Raises DataError for a picture that cannot be read and for folders not named 0–9.
    """
    train, test = _parts(path)
    if train is None or test is None:
        return _part(path, str(path))
    part = _part(train, str(path))
    return Dataset(
        part.images, part.labels, str(path), test=_part(test, f"{path} (test)"), ids=part.ids
    )


def stream(path: Path) -> Iterator[Dataset]:
    """Yield the pictures of a folder, or of the test folder in it, with their names as ids."""
    train, test = _parts(path)
    place = path if train is None or test is None else test
    files, _ = _find(place)
    for start in range(0, len(files), BLOCK):
        some = files[start : start + BLOCK]
        images = from_pictures([read_picture(file) for file in some])
        yield Dataset(images, None, str(path), ids=_ids(some, place))


def _parts(path: Path) -> tuple[Path | None, Path | None]:
    """Return the train and the test folder in it, each if there is one."""
    names = {folder.name.lower(): folder for folder in _folders(path)}
    train = next((names[name] for name in _TRAIN if name in names), None)
    return train, next((names[name] for name in _TEST if name in names), None)


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def _pictures(path: Path) -> list[Path]:
    files = sorted(
        file
        for file in path.iterdir()
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    )
    for file in files:
        check_regular(file)
    return files


def check_regular(file: Path) -> None:
    """Raise DataError for a pipe or the like, which would be waited for without end."""
    if not (file.is_file() or file.is_dir()) and file.exists():
        raise DataError("is not a regular file; remove it, or put a picture there", file)


def _part(path: Path, source: str) -> Dataset:
    files, labelled = _find(path)
    labels = np.array([int(file.parent.name) for file in files], np.uint8) if labelled else None
    images = from_pictures([read_picture(file) for file in files])
    return Dataset(images, labels, source, ids=_ids(files, path))


def _ids(files: list[Path], folder: Path) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in files]


def _find(path: Path) -> tuple[list[Path], bool]:
    """Return the pictures in a folder, and whether the folders that they lie in are labels."""
    folders, loose = _folders(path), _pictures(path)
    wrong = [folder.name for folder in folders if folder.name not in _LABELS]
    if wrong and len(wrong) == len(folders) and loose:
        folders, wrong = [], []  # pictures without labels, beside folders of something else
    if wrong:
        raise DataError(
            f"the folder {wrong[0]!r} is no label; folders in it must be called 0 to 9", path
        )
    if folders and loose:
        raise DataError(
            f"{loose[0].name} lies beside the label folders; move it into one of them", path
        )
    deeper = [inner for folder in folders for inner in _folders(folder)]
    if deeper:
        raise DataError(
            f"the folder {deeper[0].name!r} lies in a label's folder; move its pictures up into it",
            deeper[0].parent,
        )
    files = [file for folder in folders for file in _pictures(folder)] if folders else loose
    if not files:
        raise DataError(f"no pictures in it{_hint(path)}", path)
    return files, bool(folders)


def _hint(path: Path) -> str:
    files = sorted(p.name for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    if files:
        return f"; it holds {files[0]}: give that file if it is the data"
    return "; give a folder with .png, .jpg or the like in it"
