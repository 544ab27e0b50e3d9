"""Every command of the README, run in its order as a user would, and the accuracy it ends in."""

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkdigits.data import load

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if line]
# Those that set up a machine end in the command that they set it up for.
COMMANDS = [line.split(" && ")[-1].replace(".venv/bin/", "") for line in LINES]
# What a full training takes minutes for is tried with few epochs.
SHORTER = {"train": ["--epochs", "3"], "compare": ["--epochs", "1", "--seeds", "1"]}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Run the commands one after the other in one folder; return their exit codes and outputs."""
    folder = tmp_path_factory.mktemp("readme")
    digits = load("mnist").test
    header = ",".join(f"pixel{i}" for i in range(784))
    rows = "\n".join(",".join(map(str, image.ravel())) for image in digits.images[:50])
    (folder / "test.csv").write_text(f"{header}\n{rows}\n")
    sheet = np.concatenate([*digits.images[:4]], axis=1)
    Image.fromarray(255 - np.pad(np.kron(sheet, np.ones((4, 4), np.uint8)), 60)).save(
        folder / "photo.jpg"
    )
    results = {}
    for command in COMMANDS:
        name, *words = shlex.split(command)
        if words[:1] == ["serve"]:
            results[command] = serve_and_stop(words)
        elif name == "inkdigits":
            words += SHORTER.get(words[0], [])
            results[command] = subprocess.run(
                [sys.executable, "-m", "inkdigits", *words],
                cwd=folder,
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONWARNINGS": "error"},
            )
        elif name == "python":
            results[command] = subprocess.run(
                [sys.executable, *words], cwd=folder, capture_output=True, text=True
            )
    return folder, results


def serve_and_stop(words):
    """Start the service, wait for its address, tell it to stop, and return what it did."""
    command = [sys.executable, "-m", "inkdigits", *words, "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as service:
        address = service.stderr.readline()
        with urllib.request.urlopen(f"{address.split()[2]}/livez", timeout=60) as answer:
            assert answer.status == 200
        service.terminate()
        out, err = service.communicate(timeout=60)
    return subprocess.CompletedProcess(command, service.returncode, out, address + err)


def test_the_readme_has_its_two_commands_first():
    assert LINES[0].endswith("inkdigits train")
    assert LINES[1].endswith("pytest")


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if c.split()[0] in ("inkdigits", "python")]
)
def test_command_works(done, command):
    result = done[1][command]
    assert result.returncode == 0, result.stderr
    assert result.stdout
    assert "Traceback" not in result.stderr


def test_three_epochs_reach_their_accuracy(done):
    folder, _ = done
    report = folder / "runs" / "report_cnn-report-1" / "report" / "evaluation.json"
    evaluation = json.loads(report.read_text())
    assert evaluation["n"] == 8400
    assert evaluation["accuracy"] >= 0.96
