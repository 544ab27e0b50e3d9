"""Every recipe as it stands, on few images."""

import json
import os
import signal

import numpy as np
import pytest

from inkdigits.errors import Interrupted, UsageError
from inkdigits.models.summary import layer_table
from inkdigits.reading import Reader
from inkdigits.training import RECIPES, Run, loop, pool, resume, train
from inkdigits.training.recipe import find_recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_learns_and_ends_in_a_reader(strokes, tmp_path, monkeypatch, name):
    monkeypatch.setattr(pool, "_OUTLIERS", 300)
    monkeypatch.setattr(pool, "_BACKGROUNDS", 100)
    run = train(
        strokes, recipe=name, epochs=3, folder=tmp_path / name, precision="float32", show=False
    )
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"]
    reader = Reader(run.reader)
    assert reader.origin()["network"] == RECIPES[name].model
    assert reader.predict(strokes.images).shape == (len(strokes),)


# Stopped at the first step of the second epoch, of two or more.
@pytest.mark.parametrize(("name", "stop"), [("study", 11), ("tiny", 13), ("fast", 6)])
def test_stopped_by_any_optimiser_it_goes_on_to_the_same_bytes(
    strokes, tmp_path, monkeypatch, name, stop
):
    many = strokes.take(np.tile(np.arange(len(strokes)), 4))
    settings = {"recipe": name, "epochs": 2, "precision": "float32", "show": False}
    whole = train(many, folder=tmp_path / "whole", **settings)
    step, calls = loop._step, []

    def step_then_signal(*arguments):
        calls.append(1)
        if len(calls) == stop:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(*arguments)

    monkeypatch.setattr("inkdigits.training.loop._step", step_then_signal)
    with pytest.raises(Interrupted, match="stopped in epoch 2 of 2"):
        train(many, folder=tmp_path / "stopped", **settings)
    resume(tmp_path / "stopped", data=many, show=False)
    assert Run(tmp_path / "stopped").reader.read_bytes() == whole.reader.read_bytes()


def test_the_tiny_recipes_network_is_tiny():
    assert layer_table(RECIPES["tiny"].model).parameters <= 8_000


def test_epochs_replace_the_recipes_own_and_nothing_else():
    assert find_recipe("fast", 7).epochs == 7
    assert find_recipe("fast", RECIPES["fast"].epochs) == RECIPES["fast"]
    with pytest.raises(UsageError, match="at least 1"):
        find_recipe("fast", 0)
