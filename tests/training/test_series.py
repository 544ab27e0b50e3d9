"""The runs of a comparison."""

import dataclasses

import pytest

from inkdigits.training.plan import Plan
from inkdigits.training.recipe import find_recipe
from inkdigits.training.run import create_run
from inkdigits.training.series import Series


@pytest.fixture
def series(strokes, tmp_path):
    return Series(Plan(("lenet5",)), tmp_path, strokes, (), show=False)


def make_run(folder, recipe, seconds):
    manifest = {
        "model": "lenet5",
        "recipe": dataclasses.asdict(find_recipe(recipe)),
        "seed": 0,
        "data": {"source": "strokes", "fingerprint": "0"},
        "precision": "bfloat16",
    }
    run = create_run(folder, "run", manifest)
    run.write_metrics([{"epoch": n + 1, "seconds": time} for n, time in enumerate(seconds)])
    return run


@pytest.mark.parametrize(
    ("recipe", "seconds", "told"),
    [
        ("study", [4.0, 4.0, 60.0], 12.0),  # the machine paused
        ("fast", [5.0, 1.0, 1.0], 7.0),  # later epochs take a fifth of the images
        ("fast", [5.0], 5.0),
    ],
)
def test_training_time_is_that_of_its_epochs(series, tmp_path, recipe, seconds, told):
    series.take(make_run(tmp_path / "lenet5-seed0", recipe, seconds), ("lenet5", 0))
    assert series.seconds["lenet5", 0] == told


def test_the_first_training_chooses_the_precision_of_all_others(series, tmp_path):
    assert series.training(("vgg11", 0)).precision is None
    series.take(make_run(tmp_path / "lenet5-seed0", "study", [1.0]), ("lenet5", 0))
    assert series.training(("vgg11", 0)).precision == "bfloat16"
