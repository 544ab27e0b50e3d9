"""The training loop."""

import math
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from inkdigits.errors import InkdigitsError
from inkdigits.models.geometry import DIGITS
from inkdigits.training.batches import Epoch, Pool
from inkdigits.training.precision import autocast
from inkdigits.training.recipe import OneCycle, Plateau, Recipe
from inkdigits.training.schedule import one_cycle
from inkdigits.training.state import Progress, State
from inkdigits.training.teacher import Teacher

_VALIDATION_BATCH = 512

Labelled = tuple[Tensor, Tensor]
"""Images uint8 (N, 28, 28) and labels int64 (N,), both on the device that trains."""


def fit(
    state: State,
    recipe: Recipe,
    pool: Pool,
    validation: Labelled,
    *,
    teacher: Teacher | None,
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
    count, device = len(pool.images), pool.images.device
    batches = math.ceil(count / recipe.batch_size)
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
            epoch = Epoch(pool, recipe, seed, progress.epoch)
            network.train()
            sums = torch.tensor([progress.loss_sum, progress.correct], dtype=torch.float64)
            sums = sums.to(device)
            bar.set_description(f"epoch {progress.epoch + 1}/{recipe.epochs}")
            for batch in range(progress.batch, batches):
                step = progress.epoch * batches + batch
                rate = _learning_rate(recipe, progress, step / (recipe.epochs * batches))
                for group in state.optimiser.param_groups:
                    group["lr"] = rate
                changed, labels = epoch.batch(batch)
                sums += _step(state, changed, labels, recipe, precision, teacher)
                if state.average is not None:
                    state.average.update(step)
                bar.update()
                if stop():
                    progress.batch = batch + 1
                    progress.loss_sum, progress.correct = float(sums[0]), int(sums[1])
                    progress.seconds = time.perf_counter() - start
                    save()
                    return False
            _finish_epoch(state, recipe, sums / count, validation, precision, start)
            if show:
                tqdm.write(_line(progress.history[-1], recipe.epochs), file=sys.stderr)
            save()
    return True


def _learning_rate(recipe: Recipe, progress: Progress, share: float) -> float:
    """Return the learning rate of the next step, after ``share`` of all steps."""
    if isinstance(recipe.schedule, OneCycle):
        return one_cycle(recipe.schedule, recipe.optimiser.learning_rate, share)
    assert progress.annealer is not None
    return progress.annealer.learning_rate


def _step(
    state: State,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    precision: str,
    teacher: Teacher | None,
) -> Tensor:
    """Learn from one batch, whose last images, those without a label, are no digits.

    Returns the sum of its losses and the number of its right answers.
    """
    taught = None if teacher is None else teacher(images)
    targets = find_targets(labels, len(images), recipe.label_smoothing, taught)
    with autocast(images.device, precision):
        loss, logits = state.network.loss(images, targets)
    state.optimiser.zero_grad()
    loss.backward()
    state.optimiser.step()
    right = (logits.detach()[: len(labels)].argmax(1) == labels).sum()
    return torch.stack([loss.detach().double() * len(labels), right.double()])


def find_targets(
    labels: Tensor, count: int, smoothing: float, taught: Tensor | None = None
) -> Tensor:
    """Return what ``count`` images teach: labels, smoothed, and then, for outliers, no class.

    Where a teacher's probabilities are ``taught`` (count, 10), they are half of it, unless the
    teacher takes a digit for another: then the label alone counts.
    """
    if count == len(labels) and not smoothing and taught is None:
        return labels
    classes = DIGITS.classes
    targets = torch.full((count, classes), 1 / classes, device=labels.device)
    targets[: len(labels)] = smoothing / classes
    targets[torch.arange(len(labels)), labels] += 1 - smoothing
    if taught is None:
        return targets
    mistaken = torch.zeros(count, dtype=torch.bool, device=labels.device)
    mistaken[: len(labels)] = taught[: len(labels)].argmax(1) != labels
    return torch.where(mistaken[:, None], targets, (targets + taught) / 2)


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
        logits = compute_logits(state.result, validation[0])
    right = (logits.argmax(1) == validation[1]).double().mean().item()
    progress.history.append(
        {
            "epoch": progress.epoch + 1,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": F.cross_entropy(logits.float(), validation[1]).item(),
            "val_accuracy": right,
            "learning_rate": state.optimiser.param_groups[0]["lr"],
            "seconds": round(time.perf_counter() - start, 3),
        }
    )
    if progress.annealer is not None and isinstance(recipe.schedule, Plateau):
        progress.annealer.step(recipe.schedule, right)
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
