"""The training loop."""

import math
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from inkdigits.errors import InkdigitsError
from inkdigits.training.augmentation import augment, draw
from inkdigits.training.precision import autocast
from inkdigits.training.recipe import Recipe
from inkdigits.training.state import State

_VALIDATION_BATCH = 512

# What a random stream is for, so that no two streams of a seed are the same.
_EPOCH_DRAWS = 2

Labelled = tuple[Tensor, Tensor]
"""Images uint8 (N, 28, 28) and labels int64 (N,), both on the device that trains."""


def fit(
    state: State,
    recipe: Recipe,
    training: Labelled,
    validation: Labelled,
    *,
    seed: int,
    precision: str,
    save: Callable[[], None],
    stop: Callable[[], bool],
    show: bool,
) -> bool:
    """Train ``state`` from where it stands to the recipe's last epoch; False if it was stopped.

    What is drawn depends on the seed, the epoch and the batch alone, so a training that was
    stopped, or killed and brought back to its last checkpoint, goes on to the same weights, bit
    for bit. ``save`` is called after each epoch and when ``stop`` answers True.
    """
    network, progress = state.network, state.progress
    images, labels = training
    batches = math.ceil(len(images) / recipe.batch_size)
    bar = tqdm(
        total=recipe.epochs * batches,
        initial=progress.epoch * batches + progress.batch,
        unit="batch",
        file=sys.stderr,
        disable=None if show else True,
        leave=False,
        dynamic_ncols=True,
    )
    with bar:
        while progress.epoch < recipe.epochs:
            start = time.perf_counter() - progress.seconds
            rng = np.random.default_rng([seed, _EPOCH_DRAWS, progress.epoch])
            order = torch.from_numpy(rng.permutation(len(images))).to(images.device)
            draws = torch.from_numpy(draw(recipe.augmentation, len(images), rng)).to(images.device)
            batch_seeds = rng.integers(2**63, size=batches).tolist()
            for group in state.optimiser.param_groups:
                group["lr"] = progress.annealer.learning_rate
            network.train()
            sums = torch.tensor([progress.loss_sum, progress.correct], dtype=torch.float64)
            sums = sums.to(images.device)
            bar.set_description(f"epoch {progress.epoch + 1}/{recipe.epochs}")
            for batch in range(progress.batch, batches):
                torch.manual_seed(batch_seeds[batch])  # of dropout
                chosen = order[batch * recipe.batch_size : (batch + 1) * recipe.batch_size]
                with torch.no_grad():
                    changed = augment(images[chosen], draws[chosen])
                sums += _step(state, changed, labels[chosen], precision)
                bar.update()
                if stop():
                    progress.batch = batch + 1
                    progress.loss_sum, progress.correct = float(sums[0]), int(sums[1])
                    progress.seconds = time.perf_counter() - start
                    save()
                    return False
            _finish_epoch(state, recipe, sums / len(images), validation, precision, start)
            if show:
                tqdm.write(_line(progress.history[-1], recipe.epochs), file=sys.stderr)
            save()
    return True


def _step(state: State, images: Tensor, labels: Tensor, precision: str) -> Tensor:
    """Learn from one batch; returns the sum of its losses and its number of right answers."""
    with autocast(images.device, precision):
        loss, logits = state.network.loss(images, labels)
    state.optimiser.zero_grad()
    loss.backward()
    state.optimiser.step()
    right = (logits.detach().argmax(1) == labels).sum()
    return torch.stack([loss.detach().double() * len(labels), right.double()])


def _finish_epoch(
    state: State,
    recipe: Recipe,
    means: Tensor,
    validation: Labelled,
    precision: str,
    start: float,
) -> None:
    """Validate, note what was measured, and let the annealer set the next learning rate."""
    progress = state.progress
    loss, accuracy = means.tolist()
    if not math.isfinite(loss):
        raise InkdigitsError(
            f"the loss became {loss} in epoch {progress.epoch + 1}; "
            "look at the data with `inkdigits data`, or train another model"
        )
    with autocast(validation[0].device, precision):
        logits = compute_logits(state.network, validation[0])
    right = (logits.argmax(1) == validation[1]).double().mean().item()
    progress.history.append(
        {
            "epoch": progress.epoch + 1,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": F.cross_entropy(logits.float(), validation[1]).item(),
            "val_accuracy": right,
            "learning_rate": progress.annealer.learning_rate,
            "seconds": round(time.perf_counter() - start, 3),
        }
    )
    progress.annealer.step(recipe.annealer, right)
    progress.epoch += 1
    progress.batch, progress.loss_sum, progress.correct, progress.seconds = 0, 0.0, 0, 0.0


@torch.inference_mode()
def compute_logits(network: nn.Module, images: Tensor) -> Tensor:
    """Return the logits (N, 10) of images (N, 28, 28) in evaluation mode, batch by batch."""
    network.eval()
    return torch.cat([network(part) for part in images.split(_VALIDATION_BATCH)])


def _line(measured: dict[str, float], epochs: int) -> str:
    return (
        f"epoch {measured['epoch']:2.0f}/{epochs}"
        f"   loss {measured['loss']:.4f}  accuracy {measured['accuracy']:.4f}"
        f"   val loss {measured['val_loss']:.4f}  val accuracy {measured['val_accuracy']:.4f}"
        f"   lr {measured['learning_rate']:.1e}   {measured['seconds']:.1f} s"
    )
