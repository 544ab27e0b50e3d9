"""The trainings of a comparison as tasks of a cluster."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from inkdigits.cluster.connection import connected
from inkdigits.data import Dataset
from inkdigits.errors import InkdigitsError, Interrupted
from inkdigits.training import Run
from inkdigits.training.series import Engine, Member, Series, Training

_RETRIES = 5  # of a training whose worker is lost; each goes on from its checkpoint
_POLL = 0.5  # seconds


def on_cluster(address: str) -> Engine:
    """Return the engine that trains members by the Ray at ``address``.

    A member gets as many cores as threads it would have here (OMP_NUM_THREADS sets them), so that
    its result is the same, and a GPU where the cluster has any. Of each model one member
    goes ahead, until the first that ends has chosen the precision of those that wait. The folder of
    the comparison must lie where every worker sees it.
    """

    def engine(series: Series, waiting: Sequence[Member], stop: Callable[[], bool]) -> None:
        with connected(address):
            _train_all(series, list(waiting), stop)

    return engine


def _train_all(series: Series, waiting: list[Member], stop: Callable[[], bool]) -> None:
    import ray

    threads = min(torch.get_num_threads(), _largest_node())
    gpus = 1 if ray.cluster_resources().get("GPU") else 0
    task = ray.remote(num_cpus=threads, num_gpus=gpus, max_retries=_RETRIES)(_train)
    data = ray.put(series.dataset)
    total = len(series.runs) + len(waiting)
    running: dict[Any, Member] = {}
    while waiting or running:
        if stop():
            _stop(list(running))
            raise Interrupted("on the cluster")
        ahead = {model for model, _ in running.values()}
        for member in list(waiting):
            model = member[0]
            training = series.training(member)
            if training.precision is not None or model not in ahead:
                waiting.remove(member)
                training = replace(training, folder=training.folder.resolve())
                running[task.remote(training, data, threads)] = member
                ahead.add(model)
        done, _ = ray.wait(list(running), timeout=_POLL)
        for reference in done:
            member = running.pop(reference)
            with series.kept_apart(member):
                told = ray.get(reference)
                if told is not None:
                    raise InkdigitsError(told)
                series.take(Run(series.place(member)), member)
                number = len(series.runs) + len(series.errors)
                series.tell(f"{number} of {total} ended: {member[0]}, seed {member[1]}")


def _train(training: Training, dataset: Dataset, threads: int) -> str | None:
    """Train a member in a worker; returns what went wrong, in words, if it is the user's to know.

    Our errors do not travel whole, so their words do.
    """
    torch.set_num_threads(threads)
    try:
        training(dataset, False)
    except Interrupted:
        raise
    except InkdigitsError as error:
        return str(error)
    return None


def _largest_node() -> int:
    import ray

    return max(int(node["Resources"].get("CPU", 1)) for node in ray.nodes() if node["Alive"])


def _stop(tasks: list[Any]) -> None:
    """Ask the running trainings to save and stop, and wait a while for them."""
    import ray

    for reference in tasks:
        ray.cancel(reference)
    ray.wait(tasks, num_returns=len(tasks), timeout=30)
