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
from inkdigits.models import Network
from inkdigits.models.geometry import DIGITS
from inkdigits.models.kernels import part_of_batch
from inkdigits.training.batches import Batch, Drawn, Epoch, count_batches, make_batch
from inkdigits.training.optimiser import set_learning_rate
from inkdigits.training.pool import Labelled, Pool
from inkdigits.training.precision import autocast
from inkdigits.training.processes import Processes
from inkdigits.training.recipe import OneCycle, Plateau, Recipe
from inkdigits.training.replay import Replayed
from inkdigits.training.schedule import one_cycle
from inkdigits.training.state import Progress, State
from inkdigits.training.teacher import TEMPERATURE, Teachers

_VALIDATION_BATCH = 512


def fit(
    state: State,
    recipe: Recipe,
    pool: Pool,
    validation: Labelled,
    *,
    processes: Processes,
    teachers: Teachers | None,
    seed: int,
    precision: str,
    save: Callable[[], None],
    stop: Callable[[], bool],
    show: bool,
) -> bool:
    """Train ``state`` from where it stands to the recipe's last epoch; False if it was stopped.

    What is drawn depends on the seed, the epoch, the batch and the state alone, so a training that
    was stopped, or killed and brought back to its last checkpoint, goes on to the same weights, bit
    for bit. ``save`` is called after each epoch and when ``stop`` answers True; both in every
    process.
    """
    network, progress, hardness = state.network, state.progress, state.hardness
    loss = processes.shared(Loss(network))
    count, device = len(pool.images), pool.images.device
    later = count if hardness is None else hardness.returned
    steps = [count_batches(n, recipe.batch_size) for n in [count] + (recipe.epochs - 1) * [later]]

    def learn(*drawn: Tensor) -> Tensor:
        batch = make_batch(pool, recipe, Drawn(*drawn), processes)
        return _step(state, loss, batch, processes, precision, teachers)

    # What other processes have to say cannot be replayed.
    replayable = device.type == "cuda" and processes.count == 1
    step_on = Replayed(learn) if replayable else learn
    bar = tqdm(
        total=sum(steps),
        initial=sum(steps[: progress.epoch]) + progress.batch,
        unit="batch",
        file=sys.stderr,
        disable=None if show else True,
        leave=False,
        dynamic_ncols=True,
    )
    with bar:
        while progress.epoch < recipe.epochs:
            start = time.perf_counter() - progress.seconds
            among = hardness.hardest() if hardness is not None and progress.epoch else None
            epoch = Epoch(pool, recipe, seed, progress.epoch, among)
            network.train()
            # What a checkpoint brings counts once.
            before = [progress.loss_sum, progress.correct] if processes.first else [0.0, 0.0]
            sums = torch.tensor(before, dtype=torch.float64).to(device)
            begun = sum(steps[: progress.epoch])
            bar.set_description(f"epoch {progress.epoch + 1}/{recipe.epochs}")
            for batch in range(progress.batch, epoch.batches):
                step = begun + batch
                rate = _learning_rate(recipe, progress, step / sum(steps))
                set_learning_rate(state.optimiser, rate)
                sums += step_on(*epoch.drawn(batch))
                if state.average is not None:
                    state.average.update(step)
                bar.update()
                if processes.any(stop()):
                    progress.batch = batch + 1
                    sums = processes.sum(sums)
                    progress.loss_sum, progress.correct = float(sums[0]), int(sums[1])
                    progress.seconds = time.perf_counter() - start
                    save()
                    return False
            means = processes.sum(sums) / epoch.images
            _finish_epoch(state, recipe, means, validation, processes, precision, start)
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


class Loss(nn.Module):
    """A network's loss as a module of its own, which is what can be shared among processes."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, targets: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        """Return what ``Network.loss`` does."""
        return self.network.loss(images, targets, temperature)


def _step(
    state: State,
    loss_of: nn.Module,
    batch: Batch,
    processes: Processes,
    precision: str,
    teachers: Teachers | None,
) -> Tensor:
    """Learn from one batch, whose last images, those without a label, are no digits.

    Returns the sum of its losses and the number of its right answers, as far as this process has
    them.
    """
    images, labels = batch.images, batch.labels
    taught, temperature = None, 1.0
    with autocast(images.device, precision):
        if teachers is not None:
            taught, temperature = teachers(images[: len(labels)]), TEMPERATURE
        targets = find_targets(labels, len(images), taught)
        with part_of_batch(batch.before, batch.whole):
            loss, logits = loss_of(images, targets, temperature)
        if processes.count > 1:
            # Gradients become the mean over processes; what counts is that over images.
            loss = loss * (len(images) * processes.count / batch.whole)
            if not len(images):  # nothing has no mean, and adds nothing
                loss = loss.nan_to_num()
    state.optimiser.zero_grad()
    loss.backward()
    state.optimiser.step()
    answers = logits.detach()[: len(labels)]
    if state.hardness is not None:
        losses = torch.zeros(batch.labelled, device=images.device)
        mine = F.cross_entropy(answers.float(), labels, reduction="none")
        losses[batch.before : batch.before + len(labels)] = mine
        state.hardness.note(batch.chosen, processes.sum(losses))
    right = (answers.argmax(1) == labels).sum()
    weight = batch.labelled / processes.count
    return torch.stack([loss.detach().double() * weight, right.double()])


def find_targets(labels: Tensor, count: int, taught: Tensor | None = None) -> Tensor:
    """Return what ``count`` images teach: labels, and then, for outliers, no class.

    What is ``taught``, probabilities (N, 10), takes the place of the labels (N,).
    """
    if count == len(labels) and taught is None:
        return labels
    classes = DIGITS.classes
    targets = torch.full((count, classes), 1 / classes, device=labels.device)
    targets[: len(labels)] = F.one_hot(labels, classes) if taught is None else taught
    return targets


def _finish_epoch(
    state: State,
    recipe: Recipe,
    means: Tensor,
    validation: Labelled,
    processes: Processes,
    precision: str,
    start: float,
) -> None:
    """Validate, note what was measured, and let the annealer set the next learning rate."""
    progress = state.progress
    loss, accuracy = means.tolist()
    _check_finite("loss", loss, progress.epoch)
    images = validation[0]
    with autocast(images.device, precision):
        mine = compute_logits(state.result, images[processes.part(len(images))])
    logits = processes.together(mine, len(images))
    right = (logits.argmax(1) == validation[1]).double().mean().item()
    val_loss = F.cross_entropy(logits.float(), validation[1]).item()
    _check_finite("validation loss", val_loss, progress.epoch)
    progress.history.append(
        {
            "epoch": progress.epoch + 1,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": right,
            "learning_rate": float(state.optimiser.param_groups[0]["lr"]),
            "seconds": round(time.perf_counter() - start, 3),
        }
    )
    if progress.annealer is not None and isinstance(recipe.schedule, Plateau):
        progress.annealer.step(recipe.schedule, right)
    if state.hardness is not None:
        state.hardness.end_epoch()
    progress.epoch += 1
    progress.batch, progress.loss_sum, progress.correct, progress.seconds = 0, 0.0, 0, 0.0


def _check_finite(name: str, loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise InkdigitsError(
            f"the {name} became {loss} in epoch {epoch + 1}; "
            "look at the data with `inkdigits data`, or train another model"
        )


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
