"""What a training draws its batches from, drawn before it begins."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inkdigits.data import Dataset
from inkdigits.training.forms import draw_forms
from inkdigits.training.outliers import draw_backgrounds, draw_outliers
from inkdigits.training.photographs import photograph
from inkdigits.training.recipe import Recipe
from inkdigits.training.streams import Stream, stream
from inkdigits.training.wild import vary

_OUTLIERS, _BACKGROUNDS = 40_000, 10_000

Labelled = tuple[Tensor, Tensor]
"""Images uint8 (N, 28, 28) and labels int64 (N,), both on the device that trains."""


@dataclass(frozen=True)
class Pool:
    """What a training draws from, on the device that trains.

    ``images`` uint8 (N, 28, 28) with ``labels`` int64 (N,); for a recipe with a wild part also
    ``outliers`` uint8 (M, 28, 28), which are no digits, and ``backgrounds`` uint8 (K, 28, 28).
    """

    images: Tensor
    labels: Tensor
    outliers: Tensor
    backgrounds: Tensor


def draw_pool(training: Dataset, recipe: Recipe, seed: int, device: torch.device) -> Pool:
    """Put together what a training draws from, on ``device``."""
    images, labels = on_device(training, device)
    outliers = backgrounds = images[:0]
    if recipe.wild is not None:
        rng = stream(seed, Stream.DRAWN)
        forms, digits = draw_forms(round(recipe.wild.forms * len(images)), rng)
        chosen = rng.permutation(len(images))[: round(recipe.wild.photographs * len(images))]
        photographs = torch.from_numpy(photograph(training.images[chosen], rng)).to(device)
        images = torch.cat([images, photographs, torch.from_numpy(forms).to(device)])
        labels = torch.cat([labels, labels[chosen], torch.from_numpy(digits).to(device)])
        if recipe.wild.outliers:
            strange = draw_outliers(training.images, _OUTLIERS, rng)
            outliers = torch.from_numpy(strange).to(device)
        backgrounds = torch.from_numpy(draw_backgrounds(_BACKGROUNDS, rng)).to(device)
    return Pool(images, labels, outliers, backgrounds)


def on_device(dataset: Dataset, device: torch.device) -> Labelled:
    """Return a labelled data set's images and labels on ``device``."""
    assert dataset.labels is not None
    images = torch.from_numpy(dataset.images).to(device)
    return images, torch.from_numpy(dataset.labels.astype(np.int64)).to(device)


def vary_as_in_training(images: Tensor, seed: int) -> Tensor:
    """Return images uint8 (N, 28, 28) changed as a wild recipe changes those it learns from."""
    backgrounds = draw_backgrounds(_BACKGROUNDS, stream(seed, Stream.CALIBRATION))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return vary(images, torch.from_numpy(backgrounds)).round().to(torch.uint8)
