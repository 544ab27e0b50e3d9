"""A whole training, small: what it leaves behind, how it stops, goes on and fails."""

import errno
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import threading
import time
from functools import partial

import numpy as np
import pytest
import torch

from inkdigits.cli import terminable
from inkdigits.data import Dataset
from inkdigits.errors import DataError, InkdigitsError, Interrupted, UsageError
from inkdigits.reading import Reader
from inkdigits.training import Run, loop, resume, train, validation_images
from inkdigits.training.run import json_sha256
from inkdigits.training.split import split

EPOCHS = 3


SMALL = {"epochs": EPOCHS, "precision": "float32", "show": False}


def run_small(dataset, folder, **options):
    return train(dataset, folder=folder, **SMALL, **options)


@pytest.fixture(scope="module")
def finished(strokes, tmp_path_factory):
    return run_small(strokes, tmp_path_factory.mktemp("runs") / "undisturbed", seed=5)


def test_leaves_a_complete_run_folder(finished, strokes):
    manifest = json.loads((finished.folder / "run.json").read_text())
    assert manifest["data"]["fingerprint"] == strokes.fingerprint()
    assert manifest["result"]["epochs"] == EPOCHS
    lines = [
        json.loads(line) for line in (finished.folder / "metrics.jsonl").read_text().splitlines()
    ]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert set(lines[0]) == {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds",
    }  # fmt: skip
    left = {path.name for path in finished.folder.iterdir()}
    assert left - {".lock"} == {"run.json", "metrics.jsonl", "checkpoint", "reader.onnx"}
    assert len(list(finished.checkpoint.iterdir())) == 2


def test_the_reader_reads_as_the_run_says(finished, strokes):
    held_out = validation_images(finished, strokes)
    read = Reader(finished.reader).predict(held_out.images)
    assert (read == held_out.labels).mean() == finished.result["val_accuracy"]


def test_same_seed_same_bytes_and_another_seed_others(finished, strokes, tmp_path):
    again = run_small(strokes, tmp_path / "again", seed=5)
    assert again.reader.read_bytes() == finished.reader.read_bytes()
    other = run_small(strokes, tmp_path / "other", seed=6)
    assert other.reader.read_bytes() != finished.reader.read_bytes()


def test_leaves_the_callers_random_numbers_alone(strokes, tmp_path):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    run_small(strokes, tmp_path / "run")
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.long
def test_killed_at_20_random_moments_ends_with_the_same_bytes(strokes, tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["inkdigits.training.job"])
    # In a process of its own too: what other tests load may change how this one rounds.
    undisturbed = partial(train, strokes, folder=tmp_path / "undisturbed", seed=5, **SMALL)
    alone = context.Process(target=undisturbed)
    alone.start()
    alone.join()
    finished = Run(tmp_path / "undisturbed")
    draw = random.Random(0)
    kills, runs, longest = 0, 0, 2.0
    while kills < 20:
        runs += 1
        folder = tmp_path / f"run-{runs}"
        while True:
            if folder.exists():
                work = partial(resume, folder, data=strokes, show=False)
            else:
                work = partial(train, strokes, folder=folder, seed=5, **SMALL)
            child = context.Process(target=work)
            start = time.monotonic()
            child.start()
            child.join(draw.uniform(0, longest) if kills < 20 else None)
            if child.exitcode is not None:
                assert child.exitcode == 0
                break
            child.kill()
            child.join()
            kills += 1
        longest = min(longest, time.monotonic() - start + 0.2)
        assert (folder / "reader.onnx").read_bytes() == finished.reader.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(finished, strokes, tmp_path, number, monkeypatch):
    folder = tmp_path / "run"
    before = signal.getsignal(number)
    step = loop._step
    calls = []

    def step_then_signal(*arguments):
        calls.append(1)
        if len(calls) == 5:  # in the middle of the second epoch of three batches
            os.kill(os.getpid(), number)
        return step(*arguments)

    monkeypatch.setattr("inkdigits.training.loop._step", step_then_signal)
    with pytest.raises(Interrupted, match=f"train --resume {folder}") as caught:
        run_small(strokes, folder, seed=5)
    assert caught.value.exit_code == 130
    assert len(calls) == 5
    assert signal.getsignal(number) == before
    assert resume(folder, data=strokes, show=False).result
    assert len(calls) == 9
    assert (folder / "reader.onnx").read_bytes() == finished.reader.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once_and_says_how_to_go_on(
    finished, strokes, tmp_path, number, monkeypatch
):
    folder = tmp_path / "run"
    step = loop._step
    calls = []

    def step_then_signals(*arguments):
        calls.append(1)
        if len(calls) == 5:
            asking = signal.getsignal(number)
            os.kill(os.getpid(), number)
            while signal.getsignal(number) is asking:  # two at a time would count as one
                time.sleep(0.001)
            os.kill(os.getpid(), number)
            time.sleep(10)  # cut short by the second
        return step(*arguments)

    monkeypatch.setattr("inkdigits.training.loop._step", step_then_signals)
    with pytest.raises(Interrupted, match=f"at once; .* train --resume {folder}"), terminable():
        run_small(strokes, folder, seed=5)
    monkeypatch.undo()
    assert Run(folder).result is None
    assert resume(folder, data=strokes, show=False).result
    assert (folder / "reader.onnx").read_bytes() == finished.reader.read_bytes()


def test_the_time_of_a_resumed_training_is_that_of_all_its_parts(strokes, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    monkeypatch.setattr("inkdigits.training.job.export_reader", _fail)
    with pytest.raises(InkdigitsError, match="told to fail"):
        run_small(strokes, folder)
    monkeypatch.undo()
    path = folder / "checkpoint" / "checkpoint.json"
    saved = json.loads(path.read_text())
    saved["progress"]["history"][0]["seconds"] += 1000
    saved["progress_sha256"] = json_sha256(saved["progress"])
    path.write_text(json.dumps(saved))
    assert 1000 < resume(folder, data=strokes, show=False).result["seconds"] < 2000


def test_trains_outside_the_main_thread(strokes, tmp_path):
    results = []
    thread = threading.Thread(target=lambda: results.append(run_small(strokes, tmp_path / "run")))
    thread.start()
    thread.join()
    assert results[0].result["epochs"] == EPOCHS


def test_a_full_disk_is_one_error_and_the_last_good_checkpoint_stays(
    finished, strokes, tmp_path, monkeypatch
):
    folder = tmp_path / "run"
    fsync = os.fsync
    written = []

    def full_after_a_while(number):
        written.append(number)
        if len(written) == 5:  # run.json, two files of epoch 1, metrics, then epoch 2's tensors
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(number)

    monkeypatch.setattr(os, "fsync", full_after_a_while)
    with pytest.raises(InkdigitsError, match="No space left on device") as caught:
        run_small(strokes, folder, seed=5)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    assert not [path for path in folder.rglob("*") if path.name.startswith(".inkdigits")]
    resume(folder, data=strokes, show=False)
    assert (folder / "reader.onnx").read_bytes() == finished.reader.read_bytes()


def test_a_finished_run_is_returned_as_it_is(finished):
    before = finished.reader.stat().st_mtime_ns
    assert resume(finished.folder).result == finished.result
    assert finished.reader.stat().st_mtime_ns == before


def test_an_existing_folder_is_never_overwritten(finished, strokes):
    with pytest.raises(UsageError, match="exists already"):
        run_small(strokes, finished.folder)


def test_default_folders_are_numbered(strokes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"epochs": 1, "precision": "float32", "show": False}
    folders = [str(train(strokes, **options).folder) for _ in range(2)]
    assert folders == ["runs/report_cnn-report-1", "runs/report_cnn-report-2"]
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == [f[5:] for f in folders]


def test_two_at_once_in_one_run_is_refused(strokes, tmp_path):
    folder = tmp_path / "run"
    interrupted_run(strokes, folder)
    with Run(folder).locked(), pytest.raises(InkdigitsError, match="another process"):
        resume(folder, data=strokes, show=False)


def interrupted_run(strokes, folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inkdigits.training.job.fit", lambda *a, **k: False)
        with pytest.raises(Interrupted):
            run_small(strokes, folder, seed=5)


def test_changed_data_are_refused(strokes, tmp_path):
    interrupted_run(strokes, tmp_path / "run")
    changed = Dataset(255 - strokes.images, strokes.labels, "strokes")
    with pytest.raises(DataError, match="not those that the run"):
        resume(tmp_path / "run", data=changed)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("checkpoint.json", b"{"),
        ("checkpoint.json", b'{"tensors": "gone.safetensors"}'),
        ("checkpoint.json", b"[1]"),
        ("checkpoint.json", partial(re.sub, b'"epoch": 3', b'"epoch": 2')),
        ("checkpoint.json", partial(re.sub, b'"learning_rate": 0.001', b'"learning_rate": "abc"')),
        ("*.safetensors", b""),
        ("*.safetensors", b"noise" * 100),
    ],
)
def test_a_damaged_checkpoint_is_refused(strokes, tmp_path, name, content, monkeypatch):
    folder = tmp_path / "run"
    monkeypatch.setattr("inkdigits.training.job.export_reader", _fail)
    with pytest.raises(InkdigitsError, match="told to fail"):
        run_small(strokes, folder)
    monkeypatch.undo()
    [path] = (folder / "checkpoint").glob(name)
    before = path.read_bytes()
    path.write_bytes(content(before) if callable(content) else content)
    assert path.read_bytes() != before
    with pytest.raises(DataError, match="damaged") as caught:
        resume(folder, data=strokes, show=False)
    assert str(folder) in str(caught.value)


def _fail(*arguments, **options):
    raise InkdigitsError("told to fail")


def test_no_run_and_a_damaged_run_are_refused(tmp_path):
    with pytest.raises(DataError, match="no run"):
        resume(tmp_path)
    for lacking in ("{}", '{"recipe": {}}', '{"recipe": {}, "data": []}', "[1]"):
        (tmp_path / "run.json").write_text(lacking)
        with pytest.raises(DataError, match="damaged or changed; bring"):
            resume(tmp_path)
    with pytest.raises(DataError, match="this is no run"):
        resume(tmp_path / "run.json")


@pytest.mark.parametrize(
    "change",
    [
        partial(re.sub, '"seed": 5', '"seed": 6'),
        partial(re.sub, '"epochs": 3', '"epochs": "x"'),
        partial(re.sub, '"precision": "float32"', '"precision": null'),
        partial(re.sub, '"device": "cpu",', ""),
        lambda text: "[" * 100_000,
    ],
)
def test_a_changed_run_is_refused(strokes, tmp_path, change):
    interrupted_run(strokes, tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before
    with pytest.raises(DataError, match=r"run\.json: damaged or changed; bring it back"):
        resume(tmp_path / "run", data=strokes)


def test_a_checkpoint_of_another_run_is_refused(strokes, tmp_path, monkeypatch):
    monkeypatch.setattr("inkdigits.training.job.export_reader", _fail)
    for seed in (1, 2):
        with pytest.raises(InkdigitsError, match="told to fail"):
            run_small(strokes, tmp_path / str(seed), seed=seed)
    monkeypatch.undo()
    shutil.rmtree(tmp_path / "1" / "checkpoint")
    shutil.copytree(tmp_path / "2" / "checkpoint", tmp_path / "1" / "checkpoint")
    with pytest.raises(DataError, match="checkpoint is of another training"):
        resume(tmp_path / "1", data=strokes, show=False)


def test_a_lost_checkpoint_is_no_new_start(strokes, tmp_path, monkeypatch):
    monkeypatch.setattr("inkdigits.training.job.export_reader", _fail)
    with pytest.raises(InkdigitsError, match="told to fail"):
        run_small(strokes, tmp_path / "run")
    monkeypatch.undo()
    (tmp_path / "run" / "checkpoint" / "checkpoint.json").unlink()
    with pytest.raises(DataError, match="checkpoint is gone"):
        resume(tmp_path / "run", data=strokes, show=False)


def test_what_others_put_beside_a_checkpoint_stays(strokes, tmp_path):
    interrupted_run(strokes, tmp_path / "run")
    notes = tmp_path / "run" / "checkpoint" / ".ipynb_checkpoints"
    notes.mkdir()
    resume(tmp_path / "run", data=strokes, show=False)
    assert notes.exists()


def test_a_place_that_became_read_only_is_one_error(strokes, tmp_path, monkeypatch):
    interrupted_run(strokes, tmp_path / "run")

    def read_only(self, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("inkdigits.training.run.FileLock.acquire", read_only)
    with pytest.raises(InkdigitsError, match=r"cannot be written \(Read-only file system\)"):
        resume(tmp_path / "run", data=strokes, show=False)


def test_a_signal_before_the_first_step_is_kept(finished, strokes, tmp_path, monkeypatch):
    def interrupted(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return split(*arguments)

    monkeypatch.setattr("inkdigits.training.job.split", interrupted)
    with pytest.raises(Interrupted, match="go on with: inkdigits train --resume"):
        run_small(strokes, tmp_path / "run", seed=5)
    monkeypatch.undo()
    resume(tmp_path / "run", data=strokes, show=False)
    assert (tmp_path / "run" / "reader.onnx").read_bytes() == finished.reader.read_bytes()


def test_a_reader_that_was_lost_is_written_anew(finished, strokes, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "run")
    (tmp_path / "run" / "reader.onnx").unlink()
    run = resume(tmp_path / "run", data=strokes, show=False)
    assert run.reader.read_bytes() == finished.reader.read_bytes()
    assert run.result["val_accuracy"] == finished.result["val_accuracy"]


def test_a_loss_that_is_no_number_ends_the_training_and_is_written_nowhere(
    strokes, tmp_path, monkeypatch
):
    def diverged(network, images):
        return torch.full((len(images), 10), torch.nan)

    monkeypatch.setattr(loop, "compute_logits", diverged)
    with pytest.raises(InkdigitsError, match="validation loss became nan in epoch 1; look at the"):
        run_small(strokes, tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


@pytest.mark.parametrize(
    "asked",
    [
        {"precision": "float16"}, {"seed": 1.5}, {"seed": "1"}, {"epochs": 1.5}, {"epochs": "1"},
        {"model": 3}, {"recipe": 3},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_made(strokes, tmp_path, asked):
    with pytest.raises(UsageError, match=str(*asked.values())):
        train(strokes, folder=tmp_path / "run", show=False, **asked)
    assert not list(tmp_path.iterdir())


def test_numpys_whole_numbers_are_numbers(finished, strokes, tmp_path):
    run = run_small(strokes, tmp_path / "run", seed=np.int64(5))
    assert run.reader.read_bytes() == finished.reader.read_bytes()


def test_unlabelled_too_few_and_unknown_are_refused(strokes, tmp_path):
    with pytest.raises(DataError, match="has no labels"):
        train(Dataset(strokes.images, None, "test.csv"), folder=tmp_path / "run")
    with pytest.raises(DataError, match="too few"):
        train(strokes.take(np.arange(5)), folder=tmp_path / "run")
    with pytest.raises(DataError, match=r"no pixel is above 1, .* multiply the images by 255"):
        train(Dataset(strokes.images // 200, strokes.labels, "x"), folder=tmp_path / "run")
    with pytest.raises(UsageError, match="no recipe 'fancy'; choose from report"):
        train(strokes, recipe="fancy", folder=tmp_path / "run")
    with pytest.raises(UsageError, match="at least 1"):
        train(strokes, epochs=0, folder=tmp_path / "run")
    with pytest.raises(UsageError, match="no architecture is called 'report_cmm'"):
        train(strokes, "report_cmm", folder=tmp_path / "run")
    with pytest.raises(DataError, match="name is not text"):
        train(Dataset(strokes.images, strokes.labels, "\udcff.csv"), folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_read_only_place_is_one_error(strokes):
    with pytest.raises(InkdigitsError, match="no run can be made here"):
        run_small(strokes, "/proc/run")
