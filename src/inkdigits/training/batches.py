"""The batches of an epoch: which images, changed how, with which outliers among them."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inkdigits.training.augmentation import augment, draw
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


class Epoch:
    """All that is drawn for one epoch; it depends on the seed and the number of the epoch alone."""

    def __init__(self, pool: Pool, recipe: Recipe, seed: int, number: int) -> None:
        rng = np.random.default_rng([seed, _EPOCH_DRAWS, number])
        device, size = pool.images.device, recipe.batch_size
        self.pool, self.recipe = pool, recipe
        self.batches = math.ceil(len(pool.images) / size)
        order = torch.from_numpy(rng.permutation(len(pool.images))).to(device)
        self._chosen = order.split(size)
        draws = torch.from_numpy(draw(recipe.augmentation, len(order), rng)).to(device)
        self._draws = [draws[chosen] for chosen in self._chosen]
        self._seeds = rng.integers(2**63, size=self.batches).tolist()
        if recipe.wild is not None:
            count = round(recipe.wild.outliers * size)
            strange = rng.integers(len(pool.outliers), size=(self.batches, count))
            self._strange = torch.from_numpy(strange).to(device)

    @torch.no_grad()
    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        """Return images float32 (B + O, 28, 28) and the labels int64 (B,) of the first B of them.

        The other O are outliers. Sets torch's generators, from which dropout draws next.
        """
        torch.manual_seed(self._seeds[index])
        pool, chosen, draws = self.pool, self._chosen[index], self._draws[index]
        images, labels = pool.images[chosen], pool.labels[chosen]
        if self.recipe.wild is None:
            return augment(images, draws), labels
        count = round(self.recipe.wild.share * len(images))
        outliers = pool.outliers[self._strange[index]]
        varied = vary(torch.cat([images[:count], outliers]), pool.backgrounds)
        gentle = augment(images[count:], draws[count:])
        return torch.cat([varied[:count], gentle, varied[count:]]), labels
