"""The same training for several networks, to see what each of them makes of it."""

import dataclasses
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkdigits.data import load
from inkdigits.errors import DataError, Interrupted, UsageError
from inkdigits.models import architecture
from inkdigits.training.interrupt import interruptible
from inkdigits.training.plan import STUDIES, Plan
from inkdigits.training.recipe import find_recipe
from inkdigits.training.run import Run
from inkdigits.training.series import LATENCY_ROUNDS, Engine, Member, Series
from inkdigits.training.split import check_trainable


@dataclass(frozen=True)
class Comparison:
    """What came of a plan: its ``settings``, and the figures of each model."""

    folder: Path
    settings: dict[str, Any]
    members: list[dict[str, Any]]


def compare(
    plan: Plan,
    folder: str | Path | None = None,
    *,
    engine: Engine | None = None,
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
