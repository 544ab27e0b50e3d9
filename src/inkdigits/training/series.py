"""The runs of a comparison: what each is trained like, what came of it, what failed."""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from inkdigits.data import Dataset
from inkdigits.errors import DataError, InkdigitsError, Interrupted
from inkdigits.images import Images
from inkdigits.models.summary import layer_table
from inkdigits.reading import Reader
from inkdigits.training.job import resume, train
from inkdigits.training.plan import Plan
from inkdigits.training.run import Run

LATENCY_ROUNDS = 100
_WARM_UP = 10

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
        # What the first training found to be the faster precision holds for the others too.
        found = [run.manifest["precision"] for run in self.runs.values()]
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


def _seconds(run: Run) -> float:
    """Return the time of a run's epochs, alike ones at their median, lest a pause count.

    Where later epochs take fewer images, the first is not like them.
    """
    times = [float(json.loads(line)["seconds"]) for line in run.metrics.read_text().splitlines()]
    unlike = times[:1] if run.manifest["recipe"]["hardest"] < 1 else []
    alike = times[len(unlike) :]
    return sum(unlike) + (len(alike) * statistics.median(alike) if alike else 0.0)


def _latency(reader: Reader, image: Images) -> float:
    """Return the median time in ms to read one image (1, 28, 28)."""
    times = []
    for _ in range(_WARM_UP + LATENCY_ROUNDS):
        start = time.perf_counter()
        reader.predict_proba(image)
        times.append(time.perf_counter() - start)
    return round(statistics.median(times[_WARM_UP:]) * 1e3, 3)
