"""Every recipe as it stands, on few images."""

import json

import pytest

from inkdigits.errors import UsageError
from inkdigits.models.summary import layer_table
from inkdigits.reading import Reader
from inkdigits.training import RECIPES, job, train
from inkdigits.training.recipe import find_recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_learns_and_ends_in_a_reader(strokes, tmp_path, monkeypatch, name):
    monkeypatch.setattr(job, "_OUTLIERS", 300)
    monkeypatch.setattr(job, "_BACKGROUNDS", 100)
    run = train(
        strokes, recipe=name, epochs=3, folder=tmp_path / name, precision="float32", show=False
    )
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"]
    reader = Reader(run.reader)
    assert reader.origin()["network"] == RECIPES[name].model
    assert reader.predict(strokes.images).shape == (len(strokes),)


def test_the_tiny_recipes_network_is_tiny():
    assert layer_table(RECIPES["tiny"].model).parameters <= 8_000


def test_epochs_replace_the_recipes_own_and_nothing_else():
    assert find_recipe("fast", 7).epochs == 7
    assert find_recipe("fast", RECIPES["fast"].epochs) == RECIPES["fast"]
    with pytest.raises(UsageError, match="at least 1"):
        find_recipe("fast", 0)
