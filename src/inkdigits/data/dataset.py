"""The one shape in which images and labels travel."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inkdigits.data.files import NO_IMAGES
from inkdigits.errors import DataError
from inkdigits.images import Images, check_images

CLASSES = 10

BLOCK = 4096  # images that a stream brings at a time: 3 MB

Labels = NDArray[np.uint8]

UNSCALED = "no pixel is above 1, where ink goes up to 255; multiply the images by 255"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Digit images with their labels, checked when made.

    ``images`` is uint8 (N, 28, 28) with N ≥ 1; ``labels`` is uint8 (N,) of 0–9, or None where the
    source has none; ``source`` says where they came from; ``test`` holds the source's own test
    images, where it sets some apart; ``ids`` names each image where the source names them (the
    files of a folder). Raises DataError for anything else.
    """

    images: Images
    labels: Labels | None
    source: str
    test: "Dataset | None" = None
    ids: Sequence[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", check_images(self.images, self.source))
        if not len(self.images):
            raise DataError(NO_IMAGES, self.source)
        if self.labels is not None:
            labels = check_labels(self.labels, self.source)
            if len(labels) != len(self.images):
                raise DataError(
                    f"{len(self.images)} images but {len(labels)} labels; they must match",
                    self.source,
                )
            object.__setattr__(self, "labels", labels)
        if self.ids is not None and len(self.ids) != len(self.images):
            raise DataError(
                f"{len(self.images)} images but {len(self.ids)} ids; they must match", self.source
            )

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: NDArray[np.integer[Any]]) -> "Dataset":
        """Return the images (and labels) at ``indices``, in that order, without the test part."""
        return Dataset(
            self.images[indices],
            None if self.labels is None else self.labels[indices],
            self.source,
            ids=None if self.ids is None else [self.ids[i] for i in indices],
        )

    def fingerprint(self) -> str:
        """SHA-256 over images and labels: equal for equal data, whatever the file it came in."""
        digest = hashlib.sha256(self.images.tobytes())
        if self.labels is not None:
            digest.update(self.labels.tobytes())
        return digest.hexdigest()


def blocks(dataset: Dataset) -> Iterator[Dataset]:
    """Yield the images of ``dataset``, without labels, a block at a time."""
    for start in range(0, len(dataset), BLOCK):
        part = slice(start, start + BLOCK)
        ids = None if dataset.ids is None else dataset.ids[part]
        yield Dataset(dataset.images[part], None, dataset.source, ids=ids)


def check_labels(labels: ArrayLike, where: object = None) -> Labels:
    """Return ``labels`` as uint8 (N,); raises DataError naming the first one outside 0–9."""
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise DataError(
            f"labels have shape {array.shape} and type {array.dtype}; (N,) whole numbers belong",
            where,
        )
    wrong = np.flatnonzero((array < 0) | (array >= CLASSES) | (array != np.rint(array)))
    if wrong.size:
        raise DataError(
            f"label {array[wrong[0]]} of image {wrong[0]} (counted from 0) is not a digit 0–9; "
            "correct it, or leave the image out",
            where,
        )
    return array.astype(np.uint8)
