"""Seconds of training to 99.0, 99.17 (the report's final figure) and 99.5 % of validation images.

    pip install -e '.[train]' tensorflow scipy
    python benchmarks/time_to_accuracy.py [--seeds 10] [--peer-seeds 3] [--peer-python PYTHON]
    python benchmarks/time_to_accuracy.py --test-set [--seeds 10]

All train on the same 33,600 images of mnist42k and are judged by the same 8,400; a seed sets the
split too. Ours: a recipe, a network and a number of epochs, fixed in advance for each target; the
time is that of the whole training, validation included, and the accuracy its last. The peers'
schedules know no target: their time is that at which the mean accuracy of their epoch first reaches
it. Starting Python and compiling are left out for all; a short training warms ours up.
On a machine with a GPU ours trains there, its images resident on the card; the peers stay on the
CPU, so only our own times are to be read then. `--test-set`, meant for a GPU, is ours alone:
trained on MNIST's training images, to 99.0, 99.5, 99.6 and 99.7 % of its 10,000 test images.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from train_speed import run_peer, save_images

from inkdigits.data import load
from inkdigits.reading import Reader
from inkdigits.training import train

# For each target what trains to it, fixed in advance: recipe, network, epochs. `tiny` is `best`
# without what is drawn before training, whose time is no training's.
VALIDATION_TARGETS = {
    0.99: ("fast", "convnet_quick", 3),
    0.9917: ("fast", "convnet_quick", 5),
    0.995: ("tiny", "convnet", 8),
}
TEST_TARGETS = {
    0.99: ("fast", "convnet_quick", 3),
    0.995: ("fast", "convnet", 10),
    0.996: ("tiny", "convnet", 12),
    0.997: ("tiny", "convnet", 20),
}


def run_ours(dataset, how, seed, folder):
    """Return the seconds of all epochs, and the last one's accuracy on what it validates on."""
    recipe, model, epochs = how
    run = train(dataset, model, recipe, seed=seed, epochs=epochs, folder=folder, show=False)
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    return sum(line["seconds"] for line in lines), lines[-1]["val_accuracy"]


def run_on_test_set(dataset, how, seed, folder):
    """Return the seconds of all epochs, and the accuracy of their end on the test images."""
    seconds, _ = run_ours(dataset, how, seed, folder)
    read = Reader(folder).predict(dataset.test.images)
    return seconds, float((read == dataset.test.labels).mean())


def run_torch_peer(name, images, seed):
    script = Path(__file__).with_name("peers_torch.py")
    command = [sys.executable, str(script), name, str(images), str(seed)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def first_reaching(runs, target):
    """Return mean seconds and accuracy of the first epoch whose mean accuracy reaches target."""
    for seconds, accuracies in zip(
        zip(*(run["seconds"] for run in runs), strict=True),
        zip(*(run["val_accuracy"] for run in runs), strict=True),
        strict=True,
    ):
        if mean(accuracies) >= target:
            return mean(seconds), mean(accuracies)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="of ours")
    parser.add_argument("--peer-seeds", type=int, default=3, help="0: ours alone")
    parser.add_argument("--peer-python", default=sys.executable, help="the one with TensorFlow")
    parser.add_argument("--test-set", action="store_true", help="ours alone, on MNIST's own")
    options = parser.parse_args()
    if options.test_set:
        options.peer_seeds = 0
    measured, targets = (
        (run_on_test_set, TEST_TARGETS) if options.test_set else (run_ours, VALIDATION_TARGETS)
    )
    dataset = load("mnist" if options.test_set else "mnist42k")
    peers = {"notebook, Keras 3": [], "PyTorch's example": [], "one epoch, fast": []}
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(options.peer_seeds):
            images = Path(scratch) / "images.npz"
            save_images(dataset, seed, images)
            notebook = run_peer(options.peer_python, images, 20, seed, "3")
            notebook["seconds"] = np.cumsum(notebook["epoch_seconds"]).tolist()
            peers["notebook, Keras 3"].append(notebook)
            peers["PyTorch's example"].append(run_torch_peer("example", images, seed))
            peers["one epoch, fast"].append(run_torch_peer("fast", images, seed))
        for target, how in targets.items():
            recipe, model, epochs = how
            run_ours(dataset, (recipe, model, 1), 0, Path(scratch) / f"{target}-warm")
            results = [
                measured(dataset, how, seed, Path(scratch) / f"{target}-{seed}")
                for seed in range(options.seeds)
            ]
            seconds, accuracies = zip(*results, strict=True)
            ours = mean(seconds)
            print(
                f"{target:.2%}: inkdigits {recipe}, {model}, {epochs} epochs: {ours:.1f} s "
                f"({min(seconds):.1f}–{max(seconds):.1f}), accuracy {mean(accuracies):.4f} "
                f"± {stdev(accuracies):.4f} ({min(accuracies):.4f}–{max(accuracies):.4f}), "
                f"n = {options.seeds}",
                flush=True,
            )
            for name, runs in peers.items() if options.peer_seeds else ():
                reached = first_reaching(runs, target)
                if reached is None:
                    best = max(map(mean, zip(*(run["val_accuracy"] for run in runs), strict=True)))
                    print(f"        {name}: not reached, {best:.4f} at best, n = {len(runs)}")
                else:
                    print(
                        f"        {name}: {reached[0]:.1f} s, {reached[0] / ours:.1f} times ours, "
                        f"accuracy {reached[1]:.4f}, n = {len(runs)}"
                    )
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"ours on {device}, {torch.get_num_threads()} threads, torch {torch.__version__}")


if __name__ == "__main__":
    main()
