"""The batches of an epoch: which images, changed how, with which outliers among them."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkdigits.training.augmentation import augment, draw
from inkdigits.training.processes import Processes
from inkdigits.training.recipe import Recipe
from inkdigits.training.wild import vary

# What a random stream is for, so that no two streams of a seed are the same.
_EPOCH_DRAWS = 2


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


def count_batches(images: int, size: int) -> int:
    """Return how many batches of ``size`` an epoch has; the last is shorter, but never one image.

    Of one image alone batch normalisation can take no variance, so it joins the batch before.
    """
    return max(1, math.ceil((images - 1) / size))


class Batch(NamedTuple):
    """The part of a batch that one of the processes has.

    ``images`` float32 (n, 28, 28), 0–255; ``labels`` int64 (m,) of the first m of them, the others
    are outliers. ``before``: how many images other processes have that come before these;
    ``whole`` and ``labelled``: how many images and labels all have together.
    """

    images: Tensor
    labels: Tensor
    before: int
    whole: int
    labelled: int


class Epoch:
    """All that is drawn for one epoch; it depends on the seed and the number of the epoch alone."""

    def __init__(
        self, pool: Pool, recipe: Recipe, seed: int, number: int, processes: Processes
    ) -> None:
        rng = np.random.default_rng([seed, _EPOCH_DRAWS, number])
        device, size = pool.images.device, recipe.batch_size
        self.pool, self.recipe, self.processes = pool, recipe, processes
        self.batches = count_batches(len(pool.images), size)
        order = torch.from_numpy(rng.permutation(len(pool.images))).to(device)
        self._chosen = order.tensor_split([size * batch for batch in range(1, self.batches)])
        draws = torch.from_numpy(draw(recipe.augmentation, len(order), rng)).to(device)
        self._draws = [draws[chosen] for chosen in self._chosen]
        self._seeds = rng.integers(2**63, size=self.batches).tolist()
        if recipe.wild is not None:
            count = round(recipe.wild.outliers * size)
            strange = rng.integers(len(pool.outliers), size=(self.batches, count))
            self._strange = torch.from_numpy(strange).to(device)

    @torch.no_grad()
    def batch(self, index: int) -> Batch:
        """Return this process's part of a batch, changed as if it were alone with all of it.

        Sets torch's generators, from which dropout draws next.
        """
        torch.manual_seed(self._seeds[index])
        pool, chosen, draws = self.pool, self._chosen[index], self._draws[index]
        if self.recipe.wild is None:
            part = self.processes.part(len(chosen))
            images = augment(pool.images[chosen[part]], draws[part])
            return Batch(images, pool.labels[chosen[part]], part.start, len(chosen), len(chosen))
        # What is drawn here follows from the whole batch, so each process makes all of it.
        images = pool.images[chosen]
        count = round(self.recipe.wild.share * len(images))
        outliers = pool.outliers[self._strange[index]]
        varied = vary(torch.cat([images[:count], outliers]), pool.backgrounds)
        gentle = augment(images[count:], draws[count:])
        images = torch.cat([varied[:count], gentle, varied[count:]])
        part = self.processes.part(len(images))
        return Batch(images[part], pool.labels[chosen][part], part.start, len(images), len(chosen))
