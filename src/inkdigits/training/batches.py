"""The batches of an epoch: which images, changed how, with which outliers among them."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from inkdigits.training.augmentation import augment, draw
from inkdigits.training.pool import Pool
from inkdigits.training.processes import Processes
from inkdigits.training.recipe import Recipe
from inkdigits.training.streams import Stream, stream
from inkdigits.training.wild import vary


def count_batches(images: int, size: int) -> int:
    """Return how many batches of ``size`` an epoch has; the last is shorter, but never one image.

    Of one image alone batch normalisation can take no variance, so it joins the batch before.
    """
    return max(1, math.ceil((images - 1) / size))


class Drawn(NamedTuple):
    """What a batch is to be made of, on the device that trains.

    ``chosen`` int64 (n,): the numbers of its images; ``draws`` float32 (n, 5): how they are
    changed, as ``augment`` takes it; ``strange`` int64 (k,): the numbers of its outliers.
    """

    chosen: Tensor
    draws: Tensor
    strange: Tensor


class Epoch:
    """All that is drawn for one epoch; it depends on the seed and the number of the epoch alone.

    ``among`` int64 (n,): the numbers of the images that it takes, by default all.
    """

    def __init__(
        self, pool: Pool, recipe: Recipe, seed: int, number: int, among: Tensor | None = None
    ) -> None:
        rng = stream(seed, Stream.EPOCH, number)
        device, size = pool.images.device, recipe.batch_size
        self.images = len(pool.images) if among is None else len(among)
        self.batches = count_batches(self.images, size)
        order = torch.from_numpy(rng.permutation(self.images)).to(device)
        draws = torch.from_numpy(draw(recipe.augmentation, self.images, rng)).to(device)[order]
        chosen = order if among is None else among[order]
        self._seeds = rng.integers(2**63, size=self.batches).tolist()
        count = 0 if recipe.wild is None else round(recipe.wild.outliers * size)
        strange = rng.integers(max(1, len(pool.outliers)), size=(self.batches, count))
        places = [size * batch for batch in range(1, self.batches)]
        self._drawn = [
            Drawn(*parts)
            for parts in zip(
                chosen.tensor_split(places),
                draws.tensor_split(places),
                torch.from_numpy(strange).to(device),
                strict=True,
            )
        ]

    def drawn(self, index: int) -> Drawn:
        """Return a batch's draws; seeds torch's generators, from which the rest of it is drawn."""
        torch.manual_seed(self._seeds[index])
        return self._drawn[index]


class Batch(NamedTuple):
    """The part of a batch that one of the processes has.

    ``images`` float32 (n, 28, 28), 0–255; ``labels`` int64 (m,) of the first m of them, the others
    are outliers. ``before``: how many images other processes have that come before these;
    ``whole`` and ``labelled``: how many images and labels all have together; ``chosen`` int64
    (labelled,): the numbers of all images that have labels.
    """

    images: Tensor
    labels: Tensor
    before: int
    whole: int
    labelled: int
    chosen: Tensor


@torch.no_grad()
def make_batch(pool: Pool, recipe: Recipe, drawn: Drawn, processes: Processes) -> Batch:
    """Return this process's part of a batch, changed as if it were alone with all of it."""
    chosen, draws, strange = drawn
    if recipe.wild is None:
        part = processes.part(len(chosen))
        images = augment(pool.images[chosen[part]], draws[part])
        labels = pool.labels[chosen[part]]
        return Batch(images, labels, part.start, len(chosen), len(chosen), chosen)
    # What is drawn here follows from the whole batch, so each process makes all of it.
    images = pool.images[chosen]
    count = round(recipe.wild.share * len(images))
    varied = vary(torch.cat([images[:count], pool.outliers[strange]]), pool.backgrounds)
    gentle = augment(images[count:], draws[count:])
    images = torch.cat([varied[:count], gentle, varied[count:]])
    part = processes.part(len(images))
    labels = pool.labels[chosen][part]
    return Batch(images[part], labels, part.start, len(images), len(chosen), chosen)
