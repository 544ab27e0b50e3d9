"""One network trained by several processes, as torchrun starts them."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkdigits.data import Dataset
from inkdigits.training import Run, train
from inkdigits.training.processes import Processes

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2")
HERE = ("--standalone",)

# Trains in float32, whatever the machine is faster with. A thread of Gloo's that outlived the
# training might abort the process at its end.
WORKER = """
import sys
from pathlib import Path
from inkdigits.training import train
data, model, recipe, epochs, folder = sys.argv[1:]
train(data, model, recipe, epochs=int(epochs), folder=folder, precision="float32", show=False)
threads = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
assert not any("gloo" in name for name in threads), threads
"""


@given(length=st.integers(0, 1000), count=st.integers(1, 70))
def test_parts_are_disjoint_complete_and_of_one_size(length, count):
    parts = [Processes(rank, count, torch.device("cpu")).part(length) for rank in range(count)]
    numbers = [list(range(length))[part] for part in parts]
    assert list(itertools.chain(*numbers)) == list(range(length))
    assert max(map(len, numbers)) - min(map(len, numbers)) <= 1


@pytest.fixture(scope="module")
def source(strokes, tmp_path_factory):
    """The strokes and once more the strokes, as a file for other processes."""
    path = tmp_path_factory.mktemp("data") / "strokes.npz"
    images, labels = np.tile(strokes.images, (2, 1, 1)), np.tile(strokes.labels, 2)
    np.savez(path, x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    return path


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    path = tmp_path_factory.mktemp("worker") / "worker.py"
    path.write_text(WORKER)
    return path


def run(*words, **options):
    """Run to the end; the log tells what went wrong."""
    done = subprocess.run(
        [str(word) for word in words], text=True, capture_output=True, timeout=300, **options
    )
    assert done.returncode == 0, done.stderr
    return done


def weights(folder):
    (path,) = (folder / "checkpoint").glob("*.safetensors")
    return safetensors.torch.load_file(path)


def last_epoch(folder):
    return json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])


# Adding in another order changes a weight's last bits. Where batch normalisation takes away a
# gradient whole, what is left is rounding, and Adam makes full steps of it: two threads instead of
# one change these networks as much.
@pytest.mark.long
@pytest.mark.parametrize(
    ("model", "recipe", "epochs", "tolerance"),
    [
        ("report_cnn", "report", 1, 1e-4),
        ("convnet_small", "study", 1, 0.02),
        ("report_cnn", "fast", 3, 1e-3),
    ],
)
def test_two_come_to_the_weights_of_one(model, recipe, epochs, tolerance, source, worker, tmp_path):
    options = {"epochs": epochs, "precision": "float32", "show": False}
    train(source, model, recipe, folder=tmp_path / "one", **options)
    run(*TORCHRUN, *HERE, worker, source, model, recipe, epochs, tmp_path / "two")
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name in (name for name in one if name.startswith("network") and one[name].ndim > 1):
        difference = torch.linalg.norm(one[name] - two[name]) / torch.linalg.norm(one[name])
        assert difference < tolerance, name
    first, second = last_epoch(tmp_path / "one"), last_epoch(tmp_path / "two")
    assert first["loss"] == pytest.approx(second["loss"], rel=tolerance)
    assert first["accuracy"] == pytest.approx(second["accuracy"], abs=0.01)
    assert first["val_loss"] == pytest.approx(second["val_loss"], rel=tolerance)
    log = Run(tmp_path / "two").manifest["log"]
    assert log[-1] == "2 processes, each with its part of every batch"


@contextmanager
def started(*words, **options):
    """Start in the background; nothing of it is left at the end."""
    process = subprocess.Popen(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGSTOP)  # or it would start others in their place
        left = children(process.pid)
        process.kill()
        for child in left:
            os.kill(child, signal.SIGKILL)
        process.communicate(timeout=60)


def children(parent):
    """Return the numbers of a process's children by their rank."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ours = (folder / "stat").read_text().rpartition(")")[2].split()[1] == str(parent)
            variables = (folder / "environ").read_text().split("\0") if ours else []
        except OSError:  # it has gone meanwhile
            continue
        ranks = [word[5:] for word in variables if word.startswith("RANK=")]
        found |= {int(folder.name): int(rank) for rank in ranks}
    return found


def wait_for(path, process):
    for _ in range(3000):
        if path.exists():
            return
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)
    raise AssertionError(f"{path} did not come")


@pytest.fixture(scope="module")
def undisturbed(source, worker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    run(*TORCHRUN, *HERE, worker, source, "report_cnn", "report", 3, folder)
    return folder


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc").exists(), reason="finds its processes in /proc")
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_is_replaced_and_the_weights_are_the_same(
    rank, undisturbed, source, worker, tmp_path
):
    folder = tmp_path / "killed"
    words = (*HERE, "--max-restarts", 1, worker, source, "report_cnn", "report", 3, folder)
    with started(*TORCHRUN, *words) as torchrun:
        wait_for(folder / "checkpoint" / "checkpoint.json", torchrun)
        (victim,) = (pid for pid, its in children(torchrun.pid).items() if its == rank)
        os.kill(victim, signal.SIGKILL)
        told, _ = torchrun.communicate(timeout=300)
    assert torchrun.returncode == 0, told
    assert len(Run(folder).manifest["log"]) == 2
    assert_same(folder, undisturbed)


def assert_same(folder, other):
    assert (folder / "reader.onnx").read_bytes() == (other / "reader.onnx").read_bytes()
    ours, theirs = weights(folder), weights(other)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.long
def test_a_signal_saves_and_the_same_command_goes_on(undisturbed, source, worker, tmp_path):
    folder = tmp_path / "stopped"
    words = (*TORCHRUN, *HERE, worker, source, "report_cnn", "report", 3, folder)
    with started(*words) as torchrun:
        wait_for(folder / "checkpoint" / "checkpoint.json", torchrun)
        torchrun.send_signal(signal.SIGTERM)
        told, _ = torchrun.communicate(timeout=300)
    assert "go on with: inkdigits train --resume" in told
    run(*words)
    assert_same(folder, undisturbed)


@pytest.mark.long
def test_the_command_line_tells_once(source, tmp_path):
    words = ("-m", "inkdigits", "train", source, "--epochs", 1, "--json", "-o", tmp_path / "run")
    done = run(*TORCHRUN, *HERE, *words)
    assert json.loads(done.stdout)["run"] == str(tmp_path / "run")
    assert done.stderr.count("2 processes") == 1
    other = ("-m", "inkdigits", "train", source, "--epochs", 2, "-o", tmp_path / "run")
    again = subprocess.run(
        [str(word) for word in (*TORCHRUN, *HERE, *other)],
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert again.returncode != 0
    assert again.stderr.count("inkdigits: ") == 1
    assert "exists already" in again.stderr


def test_a_lone_last_image_is_no_obstacle(strokes, tmp_path):
    chosen = np.arange(161) % len(strokes)  # 129 of them to train on
    dataset = Dataset(strokes.images[chosen], strokes.labels[chosen], "strokes")
    options = {"epochs": 1, "precision": "float32", "show": False}
    assert train(dataset, "convnet_tiny", "study", folder=tmp_path / "run", **options).result


NAMESPACES = ("inkdigits-a", "inkdigits-b")


@pytest.fixture
def two_hosts():
    """Two network namespaces that a pair of virtual cables joins: 10.77.0.1 and 10.77.0.2."""
    commands = [f"ip netns add {name}" for name in NAMESPACES]
    commands += ["ip link add ink-a netns inkdigits-a type veth peer name ink-b netns inkdigits-b"]
    for number, name in enumerate(NAMESPACES, start=1):
        link = f"ink-{name[-1]}"
        commands += [
            f"ip -n {name} address add 10.77.0.{number}/24 dev {link}",
            f"ip -n {name} link set {link} up",
            f"ip -n {name} link set lo up",
        ]
    try:
        for command in commands:
            try:
                done = subprocess.run(command.split(), capture_output=True, text=True)
            except FileNotFoundError:
                pytest.skip("needs the command ip (Debian's iproute2)")
            if done.returncode:
                pytest.skip(f"no network namespaces here: {done.stderr.strip()}")
        yield NAMESPACES
    finally:
        for name in NAMESPACES:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@pytest.mark.long
def test_two_hosts_come_to_the_same_weights(two_hosts, undisturbed, source, worker, tmp_path):
    folder = tmp_path / "hosts"

    def host(number):
        words = ("--nnodes", 2, "--nproc-per-node", 1, "--local-addr", f"10.77.0.{number + 1}")
        # Which host is the endpoint's is told: their common name belongs to neither namespace.
        first = ("--rdzv-conf", f"is_host={int(number == 0)}")
        place = ("--rdzv-backend", "c10d", "--rdzv-endpoint", "10.77.0.1:29400", *first)
        inside = ("ip", "netns", "exec", two_hosts[number], *TORCHRUN[:3])
        return (*inside, *words, *place, worker, source, "report_cnn", "report", 3, folder)

    links = [dict(os.environ, GLOO_SOCKET_IFNAME=f"ink-{letter}") for letter in "ab"]
    with started(*host(1), env=links[1]) as second:
        run(*host(0), env=links[0])
        told, _ = second.communicate(timeout=100)
    assert second.returncode == 0, told
    assert_same(folder, undisturbed)
