"""Training with the report's recipe, beside the notebook's own code under Keras and TensorFlow.

    pip install -e '.[train]' tensorflow scipy
    python benchmarks/train_speed.py [--epochs 2] [--rounds 3] [--peer-python PYTHON]

Both train on the same 33,600 images of mnist42k and validate on the same 8,400, each in a process
of its own, in turn, so that a change in the machine's speed meets both. An epoch's time includes
its validation. The first epoch of each process, in which Keras traces and both warm up, is left
out of the times unless it is the only one. For the accuracy of whole trainings: --epochs 20.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch

from inkdigits.data import load
from inkdigits.models.summary import layer_table
from inkdigits.training import resume, split

BATCH = 128


def save_images(dataset, seed, path):
    """Write the images a seed trains and validates on, as the peers' scripts read them."""
    training, validation = split(dataset, 0.2, seed)
    np.savez(
        path,
        x_train=training.images,
        y_train=training.labels,
        x_val=validation.images,
        y_val=validation.labels,
    )
    return len(training)


def run_peer(python, images, epochs, seed, keras):
    script = Path(__file__).with_name("notebook_keras.py")
    command = [python, str(script), str(images), str(epochs), str(seed), keras]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise SystemExit(f"{script.name} failed ({''.join(last)}); name a Python with TensorFlow")
    return json.loads(done.stdout.splitlines()[-1])


def run_ours(folder, epochs, seed):
    program = (
        "import sys, inkdigits; "
        "inkdigits.train(epochs=int(sys.argv[1]), seed=int(sys.argv[2]), folder=sys.argv[3], "
        "show=False)"
    )
    command = [sys.executable, "-c", program, str(epochs), str(seed), str(folder)]
    subprocess.run(command, check=True)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {
        "precision": resume(folder).manifest["precision"],
        "epoch_seconds": [line["seconds"] for line in lines],
        "val_accuracy": [line["val_accuracy"] for line in lines],
    }


def matrix_limit(precision):
    """Best of several large products, in FLOP per second."""
    size = 2048
    a = torch.randn(size, size).to(getattr(torch, precision))
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def step_flops():
    """Forward, and backward twice as much, for a batch; the input needs no gradient."""
    layers = layer_table("report_cnn").layers
    total = sum(layer.multiply_adds for layer in layers)
    first = next(layer.multiply_adds for layer in layers if layer.multiply_adds)
    return 2 * BATCH * (3 * total - first)


def typical(seconds):
    return median(seconds[1:] or seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="one seed each: 0, 1, …")
    parser.add_argument("--peer-python", default=sys.executable, help="the one with TensorFlow")
    parser.add_argument("--keras", choices=["2", "3"], default="3", help="2 needs tf_keras")
    options = parser.parse_args()
    dataset = load("mnist42k")
    ratios, ours_final, peer_final = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(options.rounds):
            images = Path(scratch) / "images.npz"
            steps = -(-save_images(dataset, seed, images) // BATCH)
            peer = run_peer(options.peer_python, images, options.epochs, seed, options.keras)
            ours = run_ours(Path(scratch) / f"run{seed}", options.epochs, seed)
            seconds, peer_seconds = (typical(r["epoch_seconds"]) for r in (ours, peer))
            ratios.append(peer_seconds / seconds)
            ours_final.append(ours["val_accuracy"][-1])
            peer_final.append(peer["val_accuracy"][-1])
            limit = matrix_limit(ours["precision"])
            floor = step_flops() / limit
            print(
                f"seed {seed}: keras {peer_seconds:.2f} s, inkdigits {seconds:.2f} s an epoch "
                f"({ours['precision']}), ratio {ratios[-1]:.2f}; accuracy after {options.epochs}: "
                f"keras {peer_final[-1]:.4f}, inkdigits {ours_final[-1]:.4f}; "
                f"limit {limit / 1e9:.0f} GFLOP/s, {floor * 1e3:.1f} ms a step, "
                f"ours {seconds / steps * 1e3:.1f} ms with validation",
                flush=True,
            )
    versions = {**peer["versions"], "torch": torch.__version__, "python": platform.python_version()}
    print(
        f"n = {options.rounds}: ratio median {median(ratios):.2f} "
        f"({min(ratios):.2f}–{max(ratios):.2f}); accuracy after {options.epochs} epochs, mean: "
        f"keras {mean(peer_final):.4f}, inkdigits {mean(ours_final):.4f}; {versions}"
    )


if __name__ == "__main__":
    main()
