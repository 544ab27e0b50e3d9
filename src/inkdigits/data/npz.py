"""NumPy archives: as Keras ships MNIST (x_train, y_train, x_test, y_test), or x and y alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkdigits.data.dataset import BLOCK, Dataset, blocks
from inkdigits.data.files import ZIP, open_member, zip_names
from inkdigits.data.pictures import from_array
from inkdigits.errors import DataError
from inkdigits.images import SIZE

# (images, labels) by the names in use, the first pair that is there counts.
_PAIRS = [("x_train", "y_train"), ("x", "y"), ("images", "labels")]
_TEST = ("x_test", "y_test")


def matches(path: Path, head: bytes) -> bool:
    """Tell an archive by its content: a zip with .npy files in it."""
    return head.startswith(ZIP) and any(name.endswith(".npy") for name in zip_names(path))


def load(path: Path) -> Dataset:
    """Read an archive; never unpickles. Raises DataError if it is damaged or lacks the arrays."""
    return read(path, str(path))


def stream(path: Path) -> Iterator[Dataset]:
    """Yield the images of the test part, or else all; those not of 28×28 bytes are read whole."""
    names = _names(path)
    name = next((name for name in (_TEST[0], *(pair[0] for pair in _PAIRS)) if name in names), "")
    if name:
        with open_member(path, f"{name}.npy") as member:
            shape = _shape_of_bytes(member)
            if shape is not None and shape[1:] == (SIZE, SIZE):
                for start in range(0, shape[0], BLOCK):
                    count = min(BLOCK, shape[0] - start)
                    content = member.read(count * SIZE * SIZE)
                    if len(content) < count * SIZE * SIZE:
                        raise DataError("is not a whole NumPy array; save the archive anew", path)
                    images = np.frombuffer(content, np.uint8).reshape(count, SIZE, SIZE)
                    yield Dataset(images, None, str(path))
                return
    dataset = load(path)
    yield from blocks(dataset.test or dataset)


def _shape_of_bytes(member: Any) -> tuple[int, ...] | None:
    """Return the shape of an array whose bytes follow as they are, or None if it is none."""
    try:
        version = np.lib.format.read_magic(member)
        header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = header(member)
    except (ValueError, KeyError):
        return None
    return None if fortran or dtype != np.uint8 else shape


def _names(path: Path) -> set[str]:
    return {name.removesuffix(".npy") for name in zip_names(path)}


def read(path: Path, source: str) -> Dataset:
    """Read the archive at ``path`` as a data set called ``source``."""
    names = _names(path)
    pair = next((pair for pair in _PAIRS if pair[0] in names), None)
    if pair is None:
        raise DataError(
            f"holds {', '.join(sorted(names))}; x_train and y_train, or x and y, belong there", path
        )
    test = _part(path, _TEST, names, f"{source} (test)") if _TEST[0] in names else None
    part = _part(path, pair, names, source)
    return Dataset(part.images, part.labels, source, test=test)


def _part(path: Path, pair: tuple[str, str], names: set[str], source: str) -> Dataset:
    images, labels = pair
    return Dataset(
        from_array(_array(path, images), f"{path} ({images})"),
        _array(path, labels) if labels in names else None,
        source,
    )


def _array(path: Path, name: str) -> NDArray[Any]:
    with open_member(path, f"{name}.npy") as member:
        try:
            return np.lib.format.read_array(member, allow_pickle=False)
        except ValueError as error:
            where = f"{path} ({name})"
            if "Object arrays" in str(error):
                raise DataError(
                    "holds pickled Python objects, which are never loaded; save plain numbers",
                    where,
                ) from error
            raise DataError("is not a whole NumPy array; save the archive anew", where) from error
