"""Accuracy on MNIST's test images of what recipes end in: mean over seeds, and their ensemble.

    python benchmarks/accuracy.py best [-o runs]
    python benchmarks/accuracy.py best:0-2 tiny:0-1 --model convnet --epochs 20
    python benchmarks/accuracy.py taught:0-9 [--epochs 23]

Each seed (0 to 4 unless told) trains on MNIST's 60,000 training images, less those it validates on;
the readers written at the end of all trainings are then read on the 10,000 test images, whose
labels are taken as they are, the 15 known to be wrong too. The ensemble answers by the mean of the
readers' probabilities. Trainings that were stopped go on, finished ones are taken as they are; two
may be run at once beforehand, by `inkdigits train mnist --recipe best --seed 1 -o runs/best-seed1`.
`taught` learns from six, whose trainings come first: `best`, and `tiny` with `convnet` in 20
epochs, of its own seed and the next two of ten.
"""

import argparse
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from wrong_labels import WRONG_LABELS

from inkdigits.data import load
from inkdigits.reading import Reader
from inkdigits.training import Run, resume, train
from inkdigits.training.recipe import find_recipe


def finish(recipe, seed, runs, model, epochs):
    folder = runs / f"{recipe}-seed{seed}"
    if not folder.exists():
        teachers = [run.folder for run in finish_teachers(seed, runs)] if recipe == "taught" else ()
        return train(
            "mnist", model, recipe, seed=seed, epochs=epochs, folder=folder, teachers=teachers
        )
    settings = find_recipe(recipe, epochs)
    begun = Run(folder).manifest
    has = begun["model"], begun["recipe"]["epochs"], begun["seed"]
    if has != (model or settings.model, settings.epochs, seed):
        raise SystemExit(f"{folder}: begun as {has}; name another folder with -o")
    return resume(folder)


def finish_teachers(seed, runs):
    for each in (seed, (seed + 1) % 10, (seed + 2) % 10):
        yield finish("best", each, runs, None, None)
        yield finish("tiny", each, runs, "convnet", 20)


def parse_members(words):
    """Return recipe and seed of each member that RECIPE or RECIPE:FIRST-LAST stand for."""
    for word in words:
        recipe, _, seeds = word.partition(":")
        first, _, last = (seeds or "0-4").partition("-")
        yield from ((recipe, seed) for seed in range(int(first), int(last or first) + 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="+", metavar="RECIPE[:FIRST-LAST]")
    parser.add_argument("--model", help="default: each recipe's own")
    parser.add_argument("--epochs", type=int, help="default: each recipe's own")
    parser.add_argument("-o", type=Path, dest="folder", default=Path("runs"))
    options = parser.parse_args()
    runs = [
        finish(recipe, seed, options.folder, options.model, options.epochs)
        for recipe, seed in parse_members(options.recipes)
    ]
    test = load("mnist").test
    answers = np.stack([Reader(run.reader).predict_proba(test.images) for run in runs])
    errors = answers.argmax(2) != test.labels
    right = [1 - float(each.mean()) for each in errors]
    together = answers.mean(0).argmax(1) != test.labels
    print("MNIST's test set")
    for run, accuracy in zip(runs, right, strict=True):
        how, held_out = run.manifest, run.result["val_accuracy"]
        print(
            f"{how['recipe']['name']}, {how['model']}, {how['recipe']['epochs']} epochs, "
            f"seed {how['seed']}, {how['precision']}: {accuracy:.4f} (held-out {held_out:.4f}), "
            f"{run.result['seconds'] / 60:.1f} minutes"
        )
    spread = stdev(right) if len(right) > 1 else 0.0
    print(f"mean {mean(right):.4%} ± {spread:.4%}, n = {len(right)}")
    print(f"their ensemble: {1 - together.mean():.2%}, {together.sum()} errors")
    known = list(WRONG_LABELS)
    print(
        f"of these, labels known to be wrong: {errors[:, known].sum()} of the networks' "
        f"{errors.sum()} errors, {together[known].sum()} of the ensemble's"
    )
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")


if __name__ == "__main__":
    main()
