"""One digit image: a picture, or one of a data set's."""

from pathlib import Path

from inkdigits.data import load
from inkdigits.errors import DataError
from inkdigits.images import Images, normalise, read_picture


def load_one(source: str) -> tuple[Images, int | None]:
    """Return the digit image (28, 28) that ``source`` names, and its label where it has one.

    ``source`` is the path of a picture of one digit, or a data set and a place in it, counted from
    0, as in ``mnist:17``. A data set with a test part of its own is asked for that part, as when
    it is read. Raises DataError if there is no such picture, data set or place.
    """
    path = Path(source)
    name, colon, number = source.rpartition(":")
    if path.exists() or not (colon and number.isdecimal()):
        return normalise(read_picture(path)), None
    dataset = load(name)
    dataset = dataset.test or dataset
    place = int(number)
    if place >= len(dataset):
        raise DataError(
            f"there is no image {place}; they go from 0 to {len(dataset) - 1}", dataset.source
        )
    label = None if dataset.labels is None else int(dataset.labels[place])
    return dataset.images[place], label
