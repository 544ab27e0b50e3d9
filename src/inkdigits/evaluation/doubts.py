"""What may be wrong with a data set, though each of its images and labels is valid."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkdigits.data.dataset import CLASSES, UNSCALED, Dataset, Labels
from inkdigits.evaluation.wording import listing, plural
from inkdigits.images import Images

SHOWN = 5
_HALF = 127


@dataclass(frozen=True)
class Doubt:
    """One kind of doubt: what it is, and the places (counted from 0) of the images it is about."""

    kind: str
    what: str
    places: NDArray[np.intp]


def find_doubts(dataset: Dataset) -> list[Doubt]:
    """Look for blank, light, cut off, repeated and unscaled images, for labels that contradict."""
    return list(_doubts(dataset))


def repeated(images: Images) -> NDArray[np.intp]:
    """Return the places of images that equal an earlier one, pixel for pixel."""
    _, first, group = _groups(images)
    return np.flatnonzero(first[group] != np.arange(len(images)))


def _doubts(dataset: Dataset) -> Iterator[Doubt]:
    images, labels = dataset.images, dataset.labels
    border = np.concatenate(
        [images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]], axis=1
    )
    light = np.median(border, axis=1) > _HALF
    blank = images.min(axis=(1, 2)) == images.max(axis=(1, 2))
    touching = (border > _HALF).any(axis=1) & ~light & ~blank
    kinds = [
        ("blank", "blank: every pixel is the same", np.flatnonzero(blank)),
        ("light", "on a light ground, where ink is white on black", np.flatnonzero(light & ~blank)),
        ("border", "with ink at the border, perhaps cut off", np.flatnonzero(touching)),
        ("repeated", "equal to an earlier one, pixel for pixel", repeated(images)),
    ]
    if labels is not None:
        kinds.append(
            ("contradicted", "equal to one with another label", _contradicted(images, labels))
        )
    if dataset.test is not None:
        kinds.append(("in_test", "also among its test images", shared(images, dataset.test.images)))
    for kind, words, places in kinds:
        if len(places):
            yield Doubt(kind, f"{plural(len(places), 'image')} {words}", places)
    if images.max() == 1:
        yield Doubt("unscaled", UNSCALED, np.array([], np.intp))
    if labels is not None:
        missing = np.flatnonzero(np.bincount(labels, minlength=CLASSES) == 0)
        if len(missing):
            told = listing([str(label) for label in missing])
            yield Doubt("missing", f"no image of {told}", np.array([], np.intp))


def _groups(images: Images) -> tuple[NDArray[np.void], NDArray[np.intp], NDArray[np.intp]]:
    """Return the different images, the place where each occurs first, and each image's group."""
    rows = images.reshape(len(images), -1)
    whole = rows.view(np.dtype((np.void, rows.shape[1]))).ravel()
    return np.unique(whole, return_index=True, return_inverse=True)


def _contradicted(images: Images, labels: Labels) -> NDArray[np.intp]:
    _, first, group = _groups(images)
    differs = labels != labels[first[group]]
    return np.flatnonzero(np.isin(group, group[differs]))


def shared(images: Images, others: Images) -> NDArray[np.intp]:
    """Return the places of images that also occur among ``others``, pixel for pixel."""
    _, _, group = _groups(np.concatenate([images, others]))
    return np.flatnonzero(np.isin(group[: len(images)], group[len(images) :]))
