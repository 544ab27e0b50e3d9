"""The same training for several networks, to see what each of them makes of it."""

import dataclasses
import json
import math
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from inkdigits.data import Dataset, load
from inkdigits.errors import DataError, InkdigitsError, Interrupted, UsageError
from inkdigits.images import Images
from inkdigits.models import architecture
from inkdigits.models.summary import layer_table
from inkdigits.reading import Reader
from inkdigits.training.interrupt import interruptible
from inkdigits.training.job import resume, train
from inkdigits.training.recipe import find_recipe
from inkdigits.training.run import Run
from inkdigits.training.split import check_trainable

LATENCY_ROUNDS = 100
_WARM_UP = 10


@dataclass(frozen=True)
class Plan:
    """What is compared: each model is trained with each of the seeds 0 … ``seeds`` − 1.

    ``data`` is a name or path as for ``data.load``, of which the first ``images`` are used (all,
    if None); ``epochs`` replaces the recipe's number; ``precision`` is "bfloat16" or "float32",
    by default the one measured to be faster, for each model. ``title`` heads the page.
    """

    models: tuple[str, ...]
    data: str = "mnist42k"
    images: int | None = None
    recipe: str = "report"
    epochs: int | None = None
    seeds: int = 3
    precision: str | None = None
    title: str = "Networks compared"


DEPTH = Plan(
    models=(
        *("lenet5", "report_cnn"),
        *("vgg11", "vgg13", "vgg16_1x1", "vgg16", "vgg19"),
        *("vgg11_bn", "vgg13_bn", "vgg16_1x1_bn", "vgg16_bn", "vgg19_bn"),
        *("plain18", "plain34", "resnet18", "resnet34"),
    ),
    images=10_000,
    recipe="study",
    epochs=8,
    precision="float32",
    title="What depth buys on digits",
)
"""Two shallow networks; VGG's columns A to E without and with batch norm; plain nets and residual.

In float32, so that they differ in nothing but themselves, on any machine. By the recipe `study`,
whose learning rate falls to nothing: with the report's, accuracy swung by points from one epoch to
the next. All take less than half an hour on two cores.
"""

STUDIES = {"depth": DEPTH}


@dataclass(frozen=True)
class Comparison:
    """What came of a plan: its ``settings``, and the figures of each model."""

    folder: Path
    settings: dict[str, Any]
    members: list[dict[str, Any]]


def find_study(name: str) -> Plan:
    """Return the study called ``name``; UsageError lists the names if there is none."""
    if name not in STUDIES:
        raise UsageError(f"there is no study {name!r}; choose from {', '.join(STUDIES)}")
    return STUDIES[name]


def compare(
    plan: Plan,
    folder: str | Path | None = None,
    *,
    engine: "Engine | None" = None,
    command: Sequence[str] = (),
    show: bool = True,
) -> Comparison:
    """Train what the plan names, each as a run ``folder``/<model>-seed<k>, and sum it up.

    Called again it goes on: finished runs are left as they are, others resumed. ``engine`` trains
    the members that are not finished, by default one after the other in this process. By default
    ``folder`` is ``runs/compare-<study>``, or ``runs/compare-<data>-<recipe>-<epochs>``. A member
    that fails is told in its ``error`` and does not stop the others. Raises UsageError for unknown
    names and for a folder begun with another recipe or other data, DataError for data that cannot
    be trained on, and Interrupted after Ctrl-C or SIGTERM, with all that was done saved.
    """
    names = list(dict.fromkeys(plan.models))
    if not names or plan.seeds < 1:
        raise UsageError("name the models to compare, and at least 1 seed; see inkdigits models")
    for name in names:
        architecture(name)
    recipe = find_recipe(plan.recipe, plan.epochs)
    dataset = load(plan.data)
    check_trainable(dataset)
    if plan.images is not None:
        dataset = dataset.take(np.arange(min(plan.images, len(dataset))))
    place = _default_folder(plan, recipe.epochs) if folder is None else Path(folder)
    _check_folder(place, dataclasses.asdict(recipe), dataset.fingerprint())
    series = Series(plan, place, dataset, command, show)
    try:
        with interruptible() as stop:
            members = [(name, seed) for seed in range(plan.seeds) for name in names]
            if waiting := series.find_waiting(members):
                (engine or one_by_one)(series, waiting, stop)
            latencies = series.measure_latencies(names, stop)
    except (Interrupted, KeyboardInterrupt) as stopped:
        again = f"with: {shlex.join(command)}" if command else "by the same call"
        raise Interrupted(f"stopped, and saved; go on {again}") from stopped
    settings = {
        "title": plan.title,
        "data": dataset.source,
        "images": len(dataset),
        "validation_images": round(recipe.validation_fraction * len(dataset)),
        "recipe": recipe.name,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "seeds": plan.seeds,
        "latency_rounds": LATENCY_ROUNDS,
    }
    return Comparison(place, settings, [series.summary(n, latencies.get(n)) for n in names])


def _default_folder(plan: Plan, epochs: int) -> Path:
    own = f"{Path(plan.data).stem}-{plan.recipe}-{epochs}"
    name = next((name for name, study in STUDIES.items() if study == plan), own)
    return Path("runs") / f"compare-{name}"


def _check_folder(folder: Path, recipe: Mapping[str, Any], fingerprint: str) -> None:
    """Raise UsageError if a run in ``folder`` was begun with another recipe or other data."""
    for path in sorted(folder.glob("*-seed*/run.json")):
        try:
            manifest = Run(path.parent).manifest
        except DataError:
            continue  # told when its turn comes
        for what, began, asked in (
            ("recipe or number of epochs", manifest["recipe"], recipe),
            ("data", manifest.get("data", {}).get("fingerprint"), fingerprint),
        ):
            if began != asked:
                raise UsageError(
                    f"{path.parent.name} was begun with another {what}, so the two cannot be "
                    "compared; name another folder with -o",
                    folder,
                )


Member = tuple[str, int]
"""A model and the seed that it is trained with."""


class Series:
    """The runs of a comparison, as far as they have come."""

    def __init__(
        self, plan: Plan, folder: Path, dataset: Dataset, command: Sequence[str], show: bool
    ) -> None:
        self.plan, self.folder, self.dataset = plan, folder, dataset
        self.command, self.show = command, show
        self.runs: dict[Member, Run] = {}
        self.seconds: dict[Member, float] = {}
        self.errors: dict[Member, str] = {}

    def find_waiting(self, members: Sequence[Member]) -> list[Member]:
        """Take in the members that are finished already; return the others."""
        for member in members:
            with suppress(DataError):  # none, or damaged, which is told when its turn comes
                run = Run(self.place(member))
                if run.result is not None:
                    with self.kept_apart(member):
                        self.take(run, member)
        if self.runs:
            self.tell(f"{len(self.runs)} of {len(members)} are finished already")
        return [member for member in members if member not in self.runs]

    def take(self, run: Run, member: Member) -> None:
        """Take in a finished run."""
        self.seconds[member] = _seconds(run)
        self.runs[member] = run

    @contextmanager
    def kept_apart(self, member: Member) -> Iterator[None]:
        """Note whatever goes wrong within the block as the member's failure, and go on after it."""
        try:
            yield
        except Interrupted:
            raise
        except Exception as error:
            words = " ".join(str(error).split())
            if not isinstance(error, InkdigitsError):
                words = f"{type(error).__name__}: {words}"
            self.errors[member] = words
            self.tell(f"{member[0]}, seed {member[1]} failed: {words}")

    def training(self, member: Member) -> "Training":
        """Return how a member is trained."""
        model, seed = member
        # What the first seed found to be the faster precision holds for the others too.
        found = [run.manifest["precision"] for (name, _), run in self.runs.items() if name == model]
        return Training(
            model,
            seed,
            self.plan.recipe,
            self.plan.epochs,
            self.plan.precision or next(iter(found), None),
            self.place(member),
            tuple(self.command),
        )

    def measure_latencies(
        self, models: Sequence[str], stop: Callable[[], bool]
    ) -> dict[str, float]:
        """Time each model's first reader on one image, one model after another, in ms."""
        latencies: dict[str, float] = {}
        image = self.dataset.images[:1]
        for model in models:
            if stop():
                raise Interrupted("while latencies were measured")
            member = min((m for m in self.runs if m[0] == model), default=None)
            if member is not None:
                with self.kept_apart(member):
                    latencies[model] = _latency(Reader(self.runs[member].reader), image)
        return latencies

    def summary(self, model: str, latency: float | None) -> dict[str, Any]:
        """Return the figures of a model; null stands for what a failure left unknown."""
        seeds = range(self.plan.seeds)
        runs = [self.runs.get((model, seed)) for seed in seeds]
        done = [run for run in runs if run is not None]
        times = [time for (name, _), time in self.seconds.items() if name == model]
        accuracies = [run.result["val_accuracy"] if run and run.result else None for run in runs]
        known = [accuracy for accuracy in accuracies if accuracy is not None]
        errors = [f"seed {s}: {self.errors[model, s]}" for s in seeds if (model, s) in self.errors]
        table = layer_table(model)
        return {
            "model": model,
            "depth": table.depth,
            "parameters": table.parameters,
            "multiply_adds": table.multiply_adds,
            "accuracies": accuracies,
            "mean": statistics.fmean(known) if known else None,
            "spread": statistics.stdev(known) if len(known) > 1 else None,
            "train_seconds": round(statistics.fmean(times), 1) if times else None,
            "latency_ms": latency,
            "precision": done[0].manifest["precision"] if done else None,
            "runs": [str(self.place((model, seed))) for seed in seeds],
            "error": "; ".join(errors) or None,
        }

    def place(self, member: Member) -> Path:
        """Return the folder of a member's run."""
        return self.folder / "{}-seed{}".format(*member)

    def time_left(self, waiting: Sequence[Member]) -> str:
        """Say how long the waiting members will take, once one of each model has been timed."""
        times = {model: seconds for (model, _), seconds in self.seconds.items()}
        if not all(model in times for model, _ in waiting):
            return ""
        return f" (about {math.ceil(sum(times[model] for model, _ in waiting) / 60)} min left)"

    def tell(self, words: str) -> None:
        """Tell how it goes, if that is wanted."""
        if self.show:
            tqdm.write(words, file=sys.stderr)


@dataclass(frozen=True)
class Training:
    """How a member is trained, wherever that is; the fields are those of ``train``."""

    model: str
    seed: int
    recipe: str
    epochs: int | None
    precision: str | None
    folder: Path
    command: tuple[str, ...]

    def __call__(self, dataset: Dataset, show: bool) -> Run:
        """Train it, from its checkpoint if it has one."""
        if self.folder.exists():
            return resume(self.folder, data=dataset, show=show)
        return train(
            dataset,
            self.model,
            self.recipe,
            seed=self.seed,
            epochs=self.epochs,
            folder=self.folder,
            precision=self.precision,
            command=self.command,
            show=show,
        )


Engine = Callable[[Series, Sequence[Member], Callable[[], bool]], None]
"""Brings every waiting member to its end; raises Interrupted when the last argument says so."""


def one_by_one(series: Series, waiting: Sequence[Member], stop: Callable[[], bool]) -> None:
    """Train the members in this process; a failure is noted, and the next one has its turn."""
    finished = len(series.runs)
    for place, member in enumerate(waiting):
        if stop():
            raise Interrupted("between two members")
        number, all_of_them = finished + place + 1, finished + len(waiting)
        left = series.time_left(waiting[place:])
        series.tell(f"{number} of {all_of_them}: {member[0]}, seed {member[1]}{left}")
        with series.kept_apart(member):
            series.take(series.training(member)(series.dataset, series.show), member)


def _seconds(run: Run) -> float:
    """Return the time of a run's epochs: as many median ones, lest a pause of the machine count."""
    lines = run.metrics.read_text().splitlines()
    return len(lines) * statistics.median(float(json.loads(line)["seconds"]) for line in lines)


def _latency(reader: Reader, image: Images) -> float:
    """Return the median time in ms to read one image (1, 28, 28)."""
    times = []
    for _ in range(_WARM_UP + LATENCY_ROUNDS):
        start = time.perf_counter()
        reader.predict_proba(image)
        times.append(time.perf_counter() - start)
    return round(statistics.median(times[_WARM_UP:]) * 1e3, 3)
