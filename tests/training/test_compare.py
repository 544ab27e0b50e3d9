"""A comparison, small: what it trains, what it leaves alone, how it stops and what it tells."""

import json
import os
import signal
import statistics

import numpy as np
import pytest

from inkdigits.cli import main
from inkdigits.errors import DataError, InkdigitsError, Interrupted, UsageError
from inkdigits.evaluation.comparison import FILES
from inkdigits.training import job
from inkdigits.training import series as series_module
from inkdigits.training.compare import compare
from inkdigits.training.plan import Plan
from inkdigits.training.run import Run

MODELS = ("lenet5", "report_cnn")
NAMES = ["lenet5-seed0", "lenet5-seed1", "report_cnn-seed0", "report_cnn-seed1"]
KEYS = {
    "model", "depth", "parameters", "multiply_adds", "accuracies", "mean", "spread",
    "train_seconds", "latency_ms", "precision", "runs", "error",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(strokes, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "strokes.npz"
    np.savez(path, x_train=strokes.images, y_train=strokes.labels,
             x_test=strokes.images[:10], y_test=strokes.labels[:10])  # fmt: skip
    return str(path)


@pytest.fixture(scope="module")
def plan(data):
    return Plan(MODELS, data=data, images=150, epochs=1, seeds=2, precision="float32")


@pytest.fixture(scope="module")
def finished(plan, tmp_path_factory):
    return compare(plan, tmp_path_factory.mktemp("runs") / "comparison", show=False)


def change(plan, **fields):
    return Plan(**{**vars(plan), **fields})


def readers(folder):
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/reader.onnx")}


def test_trains_each_model_with_each_seed_into_a_complete_run(finished):
    assert sorted(path.name for path in finished.folder.iterdir()) == NAMES
    for name in NAMES:
        run = Run(finished.folder / name)
        assert f"{run.manifest['model']}-seed{run.manifest['seed']}" == name
        assert run.manifest["recipe"]["epochs"] == 1
        assert run.reader.is_file()


def test_members_tell_what_their_runs_measured(finished):
    assert [member["model"] for member in finished.members] == list(MODELS)
    for member in finished.members:
        assert set(member) == KEYS
        runs = [Run(finished.folder / f"{member['model']}-seed{seed}") for seed in (0, 1)]
        assert member["runs"] == [str(run.folder) for run in runs]
        assert member["accuracies"] == [run.result["val_accuracy"] for run in runs]
        assert member["mean"] == statistics.fmean(member["accuracies"])
        assert member["spread"] == statistics.stdev(member["accuracies"])
        lines = [json.loads((run.folder / "metrics.jsonl").read_text()) for run in runs]
        seconds = sum(line["seconds"] for line in lines) / 2
        assert member["train_seconds"] == pytest.approx(seconds, abs=0.051)
        assert 0 < member["latency_ms"] < 1000
        assert member["error"] is None
    assert [member["parameters"] for member in finished.members] == [61_706, 1_630_090]


def test_called_again_it_trains_nothing_and_tells_the_same(finished, plan, monkeypatch):
    monkeypatch.delattr(series_module, "train")
    before = {path: path.stat().st_mtime_ns for path in finished.folder.glob("*/*")}
    again = compare(plan, finished.folder, show=False)
    assert {path: path.stat().st_mtime_ns for path in finished.folder.glob("*/*")} == before
    for key in KEYS - {"latency_ms"}:
        assert [m[key] for m in again.members] == [m[key] for m in finished.members]


def test_further_models_and_seeds_may_come_into_the_same_folder(finished, plan, tmp_path, capsys):
    compare(change(plan, models=("lenet5",), seeds=1), tmp_path / "c")
    compare(plan, tmp_path / "c")
    told = [line for line in capsys.readouterr().err.splitlines() if " of " in line]
    assert told[:4] == [
        "1 of 1: lenet5, seed 0",
        "1 of 4 are finished already",
        "2 of 4: report_cnn, seed 0",
        "3 of 4: lenet5, seed 1 (about 1 min left)",
    ]
    assert readers(tmp_path / "c") == readers(finished.folder)


@pytest.mark.parametrize("place", ["fit", "export_reader"])
def test_a_signal_stops_it_and_the_same_call_goes_on(finished, plan, tmp_path, monkeypatch, place):
    """Within a training, and where a training is past its last step but the comparison is not."""
    original = getattr(job, place)
    calls = []

    def signalled(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments, **options)

    monkeypatch.setattr(job, place, signalled)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match=r"go on with: inkdigits compare -o 'a b'$") as caught:
        compare(plan, tmp_path / "c", command=["inkdigits", "compare", "-o", "a b"], show=False)
    assert caught.value.exit_code == 130
    assert len(calls) == 2
    assert signal.getsignal(signal.SIGTERM) == before
    compare(plan, tmp_path / "c", show=False)
    assert readers(tmp_path / "c") == readers(finished.folder)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InkdigitsError("no luck", "here"), "seed 1: here: no luck"),
        (RuntimeError("two\nlines"), "seed 1: RuntimeError: two lines"),
    ],
)
def test_a_failing_member_does_not_lose_the_others(
    finished, plan, tmp_path, monkeypatch, error, told, capsys
):
    train = series_module.train

    def fail_once(dataset, model, recipe, *, seed, **options):
        if (model, seed) == ("lenet5", 1):
            raise error
        return train(dataset, model, recipe, seed=seed, **options)

    monkeypatch.setattr(series_module, "train", fail_once)
    lenet5, report_cnn = compare(plan, tmp_path / "c").members
    assert lenet5["error"] == told
    assert lenet5["accuracies"] == [finished.members[0]["accuracies"][0], None]
    assert lenet5["mean"] == lenet5["accuracies"][0]
    assert lenet5["spread"] is None
    assert report_cnn["error"] is None
    assert report_cnn["mean"] == finished.members[1]["mean"]
    assert f"lenet5, seed 1 failed: {told.removeprefix('seed 1: ')}" in capsys.readouterr().err


def test_a_damaged_run_is_that_members_failure(plan, tmp_path):
    one = change(plan, seeds=1)
    compare(one, tmp_path / "c", show=False)
    (tmp_path / "c/lenet5-seed0/run.json").write_text("{")
    lenet5, report_cnn = compare(one, tmp_path / "c", show=False).members
    assert "run.json: damaged" in lenet5["error"]
    assert lenet5["mean"] is lenet5["latency_ms"] is lenet5["train_seconds"] is None
    assert report_cnn["error"] is None


def test_a_damaged_reader_loses_its_latency_and_no_more(plan, tmp_path):
    one = change(plan, seeds=1)
    compare(one, tmp_path / "c", show=False)
    (tmp_path / "c/lenet5-seed0/reader.onnx").write_bytes(b"noise")
    lenet5, report_cnn = compare(one, tmp_path / "c", show=False).members
    assert "reader.onnx" in lenet5["error"]
    assert lenet5["latency_ms"] is None
    assert lenet5["mean"] is not None
    assert report_cnn["error"] is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"epochs": 2}, "another recipe or number of epochs"), ({"images": 140}, "another data")],
)
def test_a_folder_begun_with_other_settings_is_refused(finished, plan, fields, told):
    with pytest.raises(UsageError, match=f"lenet5-seed0 was begun with {told}.*with -o"):
        compare(change(plan, **fields), finished.folder, show=False)


def test_wrong_usage_and_bad_data_are_told_before_anything_is_trained(plan, tmp_path, strokes):
    np.savez(tmp_path / "few.npz", x_train=strokes.images[:5], y_train=strokes.labels[:5],
             x_test=strokes.images[:5], y_test=strokes.labels[:5])  # fmt: skip
    for fields, kind, told in (
        ({"models": ()}, UsageError, "name the models"),
        ({"seeds": 0}, UsageError, "at least 1 seed"),
        ({"models": ("lenet5", "lenet7")}, UsageError, "lenet7"),
        ({"recipe": "fancy"}, UsageError, "no recipe"),
        ({"epochs": 0}, UsageError, "at least 1"),
        ({"data": str(tmp_path / "few.npz")}, DataError, "too few"),
    ):
        with pytest.raises(kind, match=told):
            compare(change(plan, **fields), tmp_path / "c", show=False)
    assert not (tmp_path / "c").exists()


def test_the_command_prints_members_as_json_and_leaves_a_page(data, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["compare", "lenet5", "--data", data, "--seeds", "1", "--epochs", "1"]
    assert main([*words, "--json"]) == 0
    [member] = json.loads(capsys.readouterr().out)
    assert set(member) == KEYS
    folder = tmp_path / "runs/compare-strokes-report-1"
    assert {path.name for path in folder.iterdir()} == {"lenet5-seed0", *FILES}
    (folder / "lenet5-seed0/run.json").write_text("{")
    assert main(words) == 1
    out = capsys.readouterr().out
    assert "lenet5 failed: seed 0" in out
    assert "page     runs/compare-strokes-report-1/index.html" in out


def test_a_study_takes_no_other_settings(capsys):
    for words in (["lenet5"], ["--epochs", "1"]):
        assert main(["compare", "--study", "depth", *words]) == 2
        assert "settings are fixed" in capsys.readouterr().err
