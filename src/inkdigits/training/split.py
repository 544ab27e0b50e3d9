"""Which images a training learns from, and which it is judged by."""

from pathlib import Path

from inkdigits.data import Dataset, load
from inkdigits.data.dataset import UNSCALED
from inkdigits.data.files import find
from inkdigits.errors import DataError
from inkdigits.training.run import Run
from inkdigits.training.streams import Stream, stream

_FEWEST_IMAGES = 10


def check_trainable(dataset: Dataset) -> None:
    """Raise DataError for images without labels, too few, of 0 and 1, or named by no text."""
    if dataset.labels is None:
        raise DataError("has no labels, which training needs; give labelled images", dataset.source)
    if len(dataset) < _FEWEST_IMAGES:
        raise DataError(
            f"{len(dataset)} images are too few to train on; give at least {_FEWEST_IMAGES}",
            dataset.source,
        )
    if dataset.images.max() == 1:
        raise DataError(UNSCALED, dataset.source)
    try:
        dataset.source.encode()
    except UnicodeEncodeError as error:  # the reader tells what it was trained on
        raise DataError(
            "the file's name is not text; give it another", ascii(dataset.source)
        ) from error


def split(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split at random into training and validation images, the latter ``fraction`` of them."""
    order = stream(seed, Stream.SPLIT).permutation(len(dataset))
    held_out = max(1, round(fraction * len(dataset)))
    return dataset.take(order[held_out:]), dataset.take(order[:held_out])


def run_data(run: Run) -> Dataset:
    """Load what ``run`` was started with; a path counts from here, or else from where that was."""
    source = run.manifest["data"]["source"]
    from_there = find(Path(run.manifest.get("directory", "."), source))
    return load(from_there if from_there.exists() and not find(source).exists() else source)


def validation_images(run: Run, dataset: Dataset) -> Dataset:
    """Return the images of ``dataset`` that ``run`` validated on."""
    return split(dataset, run.manifest["recipe"]["validation_fraction"], run.manifest["seed"])[1]
