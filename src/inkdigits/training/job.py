"""From images to a reader: the main job."""

import dataclasses
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from inkdigits import __version__
from inkdigits.data import Dataset, load
from inkdigits.errors import DataError, Interrupted, UsageError
from inkdigits.models import Network, architecture, create
from inkdigits.models.moved import Moved
from inkdigits.training import state as checkpoint
from inkdigits.training.calibration import calibrate
from inkdigits.training.export import export_reader
from inkdigits.training.hardness import Hardness
from inkdigits.training.interrupt import interruptible
from inkdigits.training.loop import compute_logits, fit
from inkdigits.training.memory import keep_freed_memory
from inkdigits.training.optimiser import Average, make_optimiser
from inkdigits.training.pool import Labelled, draw_pool, on_device, vary_as_in_training
from inkdigits.training.precision import PRECISIONS, choose_precision
from inkdigits.training.processes import Processes, processes, share_statistics
from inkdigits.training.recipe import Plateau, Recipe, check_whole, find_recipe
from inkdigits.training.run import Run, create_run, find_begun, json_sha256
from inkdigits.training.schedule import Annealer
from inkdigits.training.split import check_trainable, run_data, split
from inkdigits.training.streams import Stream
from inkdigits.training.teacher import Teachers


def train(
    data: str | Path | Dataset = "mnist42k",
    model: str | None = None,
    recipe: str = "report",
    *,
    seed: int = 0,
    epochs: int | None = None,
    folder: str | Path | None = None,
    precision: str | None = None,
    teachers: Sequence[str | Path] = (),
    command: Sequence[str] = (),
    show: bool = True,
) -> Run:
    """Train ``model`` on ``data`` by ``recipe`` and return the finished run.

    ``model`` is by default the one that the recipe was made for; ``epochs`` replaces the recipe's
    number; ``folder`` is made anew, by default the next ``runs/<model>-<recipe>-<number>``;
    ``precision`` is "bfloat16" or "float32", by default the one measured to be faster; ``teachers``
    are finished runs, whose networks' probabilities it learns in place of the labels; ``show``
    draws progress on stderr. Under torchrun all processes train it together, and a run that was
    begun by the same words is gone on with. Raises DataError for data without labels or with too
    few images, UsageError for unknown names and for numbers that are no such, and Interrupted after
    Ctrl-C or SIGTERM, with all that was done saved.
    """
    settings = find_recipe(recipe, epochs)
    model = settings.model if model is None else model
    architecture(model)
    seed = check_whole(seed, "seed")
    if precision not in (None, *PRECISIONS):
        raise UsageError(f"there is no precision {precision!r}; choose {' or '.join(PRECISIONS)}")
    dataset = data if isinstance(data, Dataset) else load(data)
    check_trainable(dataset)
    place = None if folder is None else Path(folder)
    asked: dict[str, Any] = {
        "inkdigits": __version__,
        "command": list(command),
        "model": model,
        "recipe": dataclasses.asdict(settings),
        "seed": seed,
        "data": {
            "source": dataset.source,
            "fingerprint": dataset.fingerprint(),
            "images": len(dataset),
        },
    }
    log = []
    if teachers:
        taught = Teachers(teachers, torch.device("cpu"))
        asked["teachers"] = taught.identities
        if not taught.held_out_alike(asked):
            log.append("its teachers have seen images held out here, so its validation flatters it")
    with processes() as together:

        def begin() -> Path:
            begun = find_begun(place, f"{model}-{recipe}", asked) if together.restartable else None
            if begun is not None:
                return begun.folder
            chosen, sentence = precision, f"precision {precision}, as asked for"
            if chosen is None:
                chosen, sentence = choose_precision(together.device)
            log.extend([sentence, together.sentence] if together.count > 1 else [sentence])
            run = create_run(
                place,
                f"{model}-{recipe}",
                {
                    **asked,
                    "directory": str(Path.cwd()),
                    "device": together.device.type,
                    "precision": chosen,
                    "versions": {name: version(name) for name in ("torch", "numpy", "onnx")},
                    "log": log,
                },
            )
            if show:
                tqdm.write(f"{run.folder}: {'; '.join(log)}", file=sys.stderr)
            return run.folder

        return _go_on(Run(together.from_first(begin)), dataset, show, together)


def resume(folder: str | Path, *, data: Dataset | None = None, show: bool = True) -> Run:
    """Go on with the run in ``folder`` and return it finished; a finished one is returned as it is.

    Where its reader was lost, that is exported anew, the same bytes, from the checkpoint.
    ``data`` is needed only where the run was started with a Dataset made in memory. Raises
    DataError if the run or its checkpoint is damaged, or if its data have changed since.
    """
    run = Run(Path(folder))
    if run.complete:
        return run
    dataset = run_data(run) if data is None else data
    if dataset.fingerprint() != run.manifest["data"]["fingerprint"]:
        raise DataError(
            f"the data are not those that the run {run.folder} was started with; "
            "bring them back or start anew",
            dataset.source,
        )
    with processes() as together:
        return _go_on(run, dataset, show, together)


def _go_on(run: Run, dataset: Dataset, show: bool, together: Processes) -> Run:
    """Train from the run's last checkpoint, or from the start, to its end."""
    if run.complete:
        return run
    with _stoppable(run) as stop:
        _train_on(run, dataset, show, together, stop)
    return Run(run.folder)


def _train_on(
    run: Run, dataset: Dataset, show: bool, together: Processes, stop: Callable[[], bool]
) -> None:
    keep_freed_memory()
    asked = run.manifest
    settings = find_recipe(asked["recipe"]["name"], asked["recipe"]["epochs"])
    if dataclasses.asdict(settings) != asked["recipe"]:
        raise UsageError(
            f"the recipe {settings.name!r} has changed since this run was started; start anew",
            run.folder,
        )
    seed, device = asked["seed"], together.device
    teachers = _find_teachers(run, device)
    training, validation = split(dataset, settings.validation_fraction, seed)
    network = _fresh_network(asked["model"], seed, device)
    if together.count > 1:
        share_statistics(network)
    state = _fresh_state(_identity(asked), network, settings, len(training))
    alone = run.locked() if together.first else nullcontext()

    def save() -> None:
        if together.first:
            checkpoint.save(state, run.checkpoint)
            run.write_metrics(state.progress.history)

    def finish() -> None:
        accuracy = _write_reader(run, state.result.cpu(), settings, held_out)
        seconds = round(time.perf_counter() - start, 1)
        run.finish({"val_accuracy": accuracy, "epochs": settings.epochs, "seconds": seconds})

    # On a GPU the fastest convolutions add up in any order; these are the same from run to run.
    repeatable = torch.backends.cudnn.flags(enabled=True, deterministic=True)
    with alone, torch.random.fork_rng(), repeatable:
        if not checkpoint.load(state, run.checkpoint) and run.metrics.exists():
            raise DataError(
                "the checkpoint is gone; bring it back, or start the training anew", run.checkpoint
            )
        progress = state.progress
        before = sum(epoch["seconds"] for epoch in progress.history) + progress.seconds
        start = time.perf_counter() - before
        held_out = on_device(validation, device)
        pool = draw_pool(training, settings, seed, device)
        ended = fit(
            state,
            settings,
            pool,
            held_out,
            processes=together,
            teachers=teachers,
            seed=seed,
            precision=asked["precision"],
            save=save,
            stop=stop,
            show=show and together.first,
        )
        if not ended:
            raise Interrupted(
                f"stopped in epoch {state.progress.epoch + 1} of {settings.epochs}, and saved; "
                f"go on with: {run.resuming}"
            )
        together.from_first(finish)


@contextmanager
def _stoppable(run: Run) -> Iterator[Callable[[], bool]]:
    """Ask for a stop as interruptible does; one that will not wait is answered as well."""
    try:
        with interruptible() as stop:
            yield stop
    except KeyboardInterrupt as error:
        raise Interrupted(
            "stopped at once; what came after the last checkpoint is lost; "
            f"go on with: {run.resuming}"
        ) from error


def _write_reader(run: Run, network: Network, recipe: Recipe, validation: Labelled) -> float:
    """Calibrate and export the network; returns its validation accuracy in float32."""
    asked = run.manifest
    reads = Moved(network) if recipe.moved else network
    images, labels = (tensor.cpu() for tensor in validation)
    logits, truth = compute_logits(reads, images).numpy(), labels.numpy()
    varied = None
    if recipe.wild is not None:
        varied = compute_logits(reads, vary_as_in_training(images, asked["seed"])).numpy()
    temperature, threshold = calibrate(logits, truth, varied)
    export_reader(
        reads,
        run.reader,
        temperature=temperature,
        threshold=threshold,
        recipe=asked["recipe"],
        provenance={key: asked[key] for key in _PROVENANCE}
        | ({"teachers": _hashes(asked)} if "teachers" in asked else {}),
    )
    return float((logits.argmax(1) == truth).mean())


# What a reader tells of its origin; nothing that differs between two runs of the same seed.
_PROVENANCE = ("inkdigits", "model", "seed", "data", "device", "precision", "versions")


def _find_teachers(run: Run, device: torch.device) -> Teachers | None:
    """Return the networks that teach in ``run``, if some do; DataError if one has changed."""
    named = run.manifest.get("teachers")
    if named is None:
        return None
    teachers = Teachers([teacher["path"] for teacher in named], device)
    for before, now in zip(named, teachers.identities, strict=True):
        if before["sha256"] != now["sha256"]:
            raise DataError(
                f"is not the teacher that the run {run.folder} was started with; "
                "bring it back or start anew",
                now["path"],
            )
    return teachers


def _hashes(asked: Mapping[str, Any]) -> list[str] | None:
    """Return the hashes of those who teach."""
    return [teacher["sha256"] for teacher in asked["teachers"]] if "teachers" in asked else None


def _fresh_network(model: str, seed: int, device: torch.device) -> Network:
    """Build the network with the initial weights of ``seed``, laid out for fast convolutions."""
    with torch.random.fork_rng():
        torch.manual_seed(
            int(np.random.SeedSequence([seed, Stream.INITIAL_WEIGHTS]).generate_state(1)[0])
        )
        network = create(model).to(device)
    # Not every overload of Module.to is typed, hence in place.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # untyped in torch
    return network


def _identity(asked: Mapping[str, Any]) -> str:
    """Hash what a training's weights follow from."""
    told = {key: asked.get(key) for key in ("model", "recipe", "seed", "data", "precision")}
    return json_sha256([told, _hashes(asked)])


def _fresh_state(identity: str, network: Network, recipe: Recipe, images: int) -> checkpoint.State:
    """Return where a training of ``network`` on so many images begins."""
    optimiser = make_optimiser(network, recipe.optimiser)
    plateau = isinstance(recipe.schedule, Plateau)
    annealer = Annealer(recipe.optimiser.learning_rate) if plateau else None
    average = Average(network, recipe.averaging) if recipe.averaging else None
    device = next(network.parameters()).device
    hardness = None
    if recipe.hardest < 1 and recipe.wild is None:
        hardness = Hardness(images, recipe.hardest, device)
    progress = checkpoint.Progress(annealer)
    return checkpoint.State(identity, network, optimiser, progress, average, hardness)
