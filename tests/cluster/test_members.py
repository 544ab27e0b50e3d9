"""A comparison whose members are trained by Ray: as here, whatever is lost on the way."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from inkdigits.cli import main
from inkdigits.errors import Interrupted
from inkdigits.training.compare import compare
from inkdigits.training.plan import Plan

from .conftest import find_process, started, wait_until

pytestmark = pytest.mark.long

# Bytes are equal for as many threads, here one; times never are.
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}
TIMES = ("train_seconds", "latency_ms", "runs")


@pytest.fixture(scope="module")
def source(digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    images, labels = np.tile(digits.images, (3, 1, 1)), np.tile(digits.labels, 3)
    np.savez(path, x=images, y=labels)
    return path


def words(source, folder, *models, epochs):
    fixed = ("--data", source, "--recipe", "study", "--seeds", 2, "--epochs", epochs)
    return [str(word) for word in ("compare", *models, *fixed, "-o", folder)]


def read_json(path):
    return json.loads(path.read_text())


def assert_same(folder, other):
    """Compare two comparisons, file for file, except for times and for where they lie."""
    names = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert names == {path.relative_to(other) for path in other.rglob("*") if path.is_file()}
    for name in names:
        ours, theirs = folder / name, other / name
        if name.name == "comparison.json":
            ours, theirs = read_json(ours)["members"], read_json(theirs)["members"]
            for member in (*ours, *theirs):
                for key in TIMES:
                    del member[key]
            assert ours == theirs
        elif name.name == "run.json":
            ours, theirs = read_json(ours), read_json(theirs)
            for run in (ours, theirs):
                del run["command"], run["log"], run["result"]["seconds"], run["sha256"]
            assert ours == theirs
        elif name.suffix in (".onnx", ".safetensors"):
            assert ours.read_bytes() == theirs.read_bytes(), name


def test_the_result_is_the_local_one(inkdigits, source, tmp_path):
    assert main(words(source, tmp_path / "here", "lenet5", epochs=2)) == 0
    there = words(source, tmp_path / "there", "lenet5", epochs=2)
    code, out, told = inkdigits(*there, "--json", "--cluster", env=ALONE)
    assert code == 0, told
    assert [member["error"] for member in json.loads(out)] == [None]
    assert_same(tmp_path / "here", tmp_path / "there")


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds its processes in /proc")
def test_lost_workers_and_drivers_cost_no_finished_member(inkdigits, source, tmp_path):
    folder = tmp_path / "lost"
    asked = (*words(source, folder, "lenet5", epochs=40), "--json", "--cluster")
    first, second = folder / "lenet5-seed0", folder / "lenet5-seed1"
    with started(*asked, env=ALONE) as driver:
        wait_until((first / "checkpoint" / "checkpoint.json").exists, driver)
        os.kill(find_process("ray::_train"), signal.SIGKILL)
        wait_until((second / "checkpoint" / "checkpoint.json").exists, driver)
    assert "result" not in read_json(second / "run.json")
    ended = (first / "run.json").stat().st_mtime_ns
    code, out, told = inkdigits(*asked, env=ALONE)
    assert code == 0, told
    assert "1 of 2 are finished already" in told
    assert (first / "run.json").stat().st_mtime_ns == ended
    accuracies = json.loads(out)[0]["accuracies"]
    assert main(words(source, tmp_path / "here", "lenet5", epochs=40)) == 0
    (local,) = read_json(tmp_path / "here" / "comparison.json")["members"]
    assert accuracies == local["accuracies"]
    assert_same(tmp_path / "here", folder)


@pytest.mark.skipif(sys.platform != "linux", reason="sends signals")
def test_a_signal_saves_and_the_same_command_goes_on(inkdigits, source, tmp_path):
    folder = tmp_path / "stopped"
    asked = (*words(source, folder, "lenet5", epochs=400), "--cluster")
    with started(*asked, env=ALONE) as driver:
        wait_until((folder / "lenet5-seed0" / "checkpoint" / "checkpoint.json").exists, driver)
        driver.send_signal(signal.SIGINT)
        _, told = driver.communicate(timeout=100)
    assert driver.returncode == 130, told
    assert "stopped, and saved; go on with: inkdigits compare" in told


def test_an_engine_is_asked_for_what_is_not_finished(digits, source, tmp_path):
    asked = []

    def engine(series, waiting, stop):
        asked.append(list(waiting))
        raise Interrupted("enough")

    plan = Plan(("lenet5", "convnet_tiny"), str(source), recipe="study", epochs=1, seeds=1)
    with pytest.raises(Interrupted, match="go on by the same call"):
        compare(plan, tmp_path / "runs", engine=engine, show=False)
    assert asked == [[("lenet5", 0), ("convnet_tiny", 0)]]
