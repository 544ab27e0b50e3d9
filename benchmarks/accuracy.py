"""Accuracy on MNIST's test images of what a recipe ends in: mean over seeds, and their ensemble.

    python benchmarks/accuracy.py best [--seeds 5] [-o runs/best]

Each seed trains on MNIST's 60,000 training images, less those it validates on; the readers written
at the end of all trainings are then read on the 10,000 test images, whose labels are taken as they
are, wrong ones too. The ensemble answers by the mean of the readers' probabilities. Trainings that
were stopped go on, finished ones are taken as they are; two may be run at once beforehand, by
`inkdigits train mnist --recipe best --seed 1 -o runs/best/seed1`.
"""

import argparse
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch

from inkdigits.data import load
from inkdigits.reading import Reader
from inkdigits.training import resume, train


def finish(recipe, seed, folder):
    if folder.exists():
        return resume(folder)
    return train("mnist", None, recipe, seed=seed, folder=folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("-o", type=Path, dest="folder", help="default: runs/RECIPE")
    options = parser.parse_args()
    folder = options.folder or Path("runs") / options.recipe
    runs = [finish(options.recipe, seed, folder / f"seed{seed}") for seed in range(options.seeds)]
    test = load("mnist").test
    answers = np.stack([Reader(run.reader).predict_proba(test.images) for run in runs])
    right = [float((each.argmax(1) == test.labels).mean()) for each in answers]
    together = int((answers.mean(0).argmax(1) != test.labels).sum())
    first = runs[0].manifest
    print(
        f"{options.recipe}: {first['model']}, {first['recipe']['epochs']} epochs, MNIST's test set"
    )
    for seed, (run, accuracy) in enumerate(zip(runs, right, strict=True)):
        held_out, seconds = run.result["val_accuracy"], run.result["seconds"]
        print(f"seed {seed}: {accuracy:.4f} (held-out {held_out:.4f}), {seconds / 60:.1f} minutes")
    spread = stdev(right) if len(right) > 1 else 0.0
    print(f"mean {mean(right):.4%} ± {spread:.4%}, n = {len(right)}")
    print(f"their ensemble: {1 - together / len(test):.2%}, {together} errors")
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, {first['precision']}")


if __name__ == "__main__":
    main()
