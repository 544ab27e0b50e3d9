"""Training on a GPU, where steps are recorded and replayed."""

import json

import numpy as np
import pytest
import torch

from inkdigits.data import load
from inkdigits.models import ARCHITECTURES
from inkdigits.training import loop, train
from inkdigits.training.recipe import RECIPES
from inkdigits.training.replay import Replayed

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

TOO_DEEP = "plain101"  # after so short a training it rounds too much to be exported


@pytest.fixture(scope="module")
def digits():
    """Images whose last batch is shorter than the others."""
    return load("mnist").take(np.arange(700))


def test_work_is_replayed_on_what_is_given():
    weight, calls = torch.zeros(3, device="cuda"), []

    def add(x):
        calls.append(len(x))
        return weight.add_(x.sum()).clone()

    replayed = Replayed(add)
    total = 0.0
    for size in (2, 2, 5, 2, 5, 5, 2):
        x = torch.rand(size, device="cuda")
        total += float(x.sum())
        assert replayed(x).tolist() == pytest.approx([total] * 3)
    assert calls == [2, 2, 5, 5]  # as ever, then recorded, of each size


def test_what_is_drawn_follows_the_seed():
    replayed = Replayed(lambda x: x + torch.rand_like(x))
    zeros, drawn = torch.zeros(4, device="cuda"), []
    for seed in (0, 0, 0, 1, 0):
        torch.manual_seed(seed)
        drawn.append(replayed(zeros).tolist())
    assert drawn[0] == drawn[1] == drawn[2] == drawn[4] != drawn[3]


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != TOO_DEEP])
def test_networks_learn_the_same_replayed(name, digits, tmp_path, monkeypatch):
    assert_learns_the_same(name, "study", digits, tmp_path, monkeypatch)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_learn_the_same_replayed(name, digits, tmp_path, monkeypatch):
    monkeypatch.setattr("inkdigits.training.pool._OUTLIERS", 200)
    monkeypatch.setattr("inkdigits.training.pool._BACKGROUNDS", 100)
    assert_learns_the_same("convnet_tiny", name, digits, tmp_path, monkeypatch)


def test_teachers_teach_the_same_replayed(digits, tmp_path, monkeypatch):
    options = {"epochs": 1, "precision": "float32", "show": False}
    runs = [train(digits, name, folder=tmp_path / name, **options) for name in ("lenet5", "vgg11")]
    teachers = [run.folder for run in runs]
    assert_learns_the_same("convnet_tiny", "tiny", digits, tmp_path, monkeypatch, teachers)


def assert_learns_the_same(model, recipe, digits, tmp_path, monkeypatch, teachers=()):
    """Two replayed trainings give the same bytes, and one that is not replayed the same losses."""
    options = {"epochs": 3, "precision": "float32", "show": False, "teachers": teachers}
    runs = [train(digits, model, recipe, folder=tmp_path / f"{i}", **options) for i in range(2)]
    monkeypatch.setattr(loop, "Replayed", lambda work: work)
    runs.append(train(digits, model, recipe, folder=tmp_path / "plain", **options))
    assert [run.manifest["device"] for run in runs] == ["cuda"] * 3
    losses = [losses_of(run) for run in runs]
    assert losses[0] == pytest.approx(losses[2], rel=2e-3)
    # Where pooling regions overlap, a GPU adds their gradients in any order.
    exact = "inception" not in model and "fractional" not in model
    if exact:
        assert runs[0].reader.read_bytes() == runs[1].reader.read_bytes()


def losses_of(run):
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]
