"""Other people's hands, spoilt digits and what is no digit: a reader beside a plain CNN.

Both read each picture twice: normalised, and merely resized to 28 × 28, which leaves digit images,
those of MNIST-C too, as they are. The plain CNN, LeNet-like, is trained here for 3 epochs on 55,000
images of MNIST (Adam, no augmentation) and kept in a scratch file; the other 5,000 set its
temperature and threshold. USPS and optdigits, which no reader is trained on, are read from
``--data`` (usps_train.npz and optdigits32.npz: ``x`` uint8 (N, side, side), light on dark, and
``y``). Needs hershey-fonts and, for the plain CNN, torch.

    python benchmarks/wild.py --data FOLDER --out runs/wild
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from corruptions import CORRUPTIONS, corrupt
from nondigits import KINDS, draw
from PIL import Image
from scipy.stats import rankdata

from inkdigits.data import load
from inkdigits.evaluation.calibration import calibration_error
from inkdigits.evaluation.style import LIGHT, drawing, new_figure, png
from inkdigits.images import SIZE, normalise
from inkdigits.reading import Reader

OTHER_HANDS = {"USPS": "usps_train.npz", "optdigits": "optdigits32.npz"}
# The others resemble what the recipe `wild` does to digits in training.
UNSEEN = ("glass_blur", "motion_blur", "spatter")
HELD_OUT = 5_000


class PlainCNN:
    """Two convolutions, two poolings, two dense layers: what a first tutorial builds."""

    def __init__(self, scratch):
        import torch
        from torch import nn

        from inkdigits.training.calibration import fit_temperature, refusal_threshold

        torch.manual_seed(0)
        self.network = nn.Sequential(
            *(nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 10)),
        )
        self.temperature = 1.0
        mnist = load("mnist")
        if scratch.exists():
            self.network.load_state_dict(torch.load(scratch, weights_only=True))
        else:
            self._train(mnist.images[:-HELD_OUT], mnist.labels[:-HELD_OUT].astype(np.int64))
            torch.save(self.network.state_dict(), scratch)
        labels = mnist.labels[-HELD_OUT:]
        logits = self._logits(mnist.images[-HELD_OUT:])
        self.temperature = fit_temperature(logits, labels)
        self.threshold = refusal_threshold(softmax(logits / self.temperature))

    def _train(self, images, labels):
        import torch
        from torch.nn.functional import cross_entropy

        optimiser = torch.optim.Adam(self.network.parameters())
        pixels, labels = torch.from_numpy(images)[:, None], torch.from_numpy(labels)
        for epoch in range(3):
            print(f"plain CNN, epoch {epoch + 1} of 3", file=sys.stderr)
            for chosen in torch.randperm(len(pixels)).split(128):
                loss = cross_entropy(self.network(pixels[chosen] / 255), labels[chosen])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

    def _logits(self, images):
        import torch

        with torch.inference_mode():
            parts = torch.from_numpy(images)[:, None].split(500)
            return torch.cat([self.network(part / 255) for part in parts]).numpy()

    def predict_proba(self, images):
        return softmax(self._logits(images) / self.temperature)


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def normalised(pictures):
    return np.stack([normalise(picture) for picture in pictures])


def resized(pictures):
    """Bring pictures to 28 × 28 as they are; those that have this size stay the same."""
    if pictures.shape[1:] == (SIZE, SIZE):
        return pictures
    size = (SIZE, SIZE)
    bilinear = Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(p).resize(size, bilinear)) for p in pictures])


def gather(args):
    """Return {name: (pictures, labels)} of digits, and {kind: pictures} of what is no digit."""
    test = load("mnist").test
    few = 500 if args.quick else None
    digits = {"MNIST": (test.images, test.labels)}
    for name, file in OTHER_HANDS.items() if args.data else ():
        with np.load(Path(args.data, file)) as stored:
            digits[name] = (stored["x"], stored["y"])
    for seed, name in enumerate(CORRUPTIONS):
        spoilt = corrupt(name, test.images[:few], np.random.default_rng(seed))
        digits[name] = (spoilt, test.labels[:few])
    count = 200 if args.quick else 2_000
    strangers = {
        kind: draw(kind, count, np.random.default_rng(seed), test.images)
        for seed, kind in enumerate(KINDS)
    }
    return digits, strangers


def measure(reader, digits, strangers):
    """Return all figures of one reader on digit images, shares as 0–1."""
    right, top = {}, {}
    for name, (images, labels) in digits.items():
        probabilities = reader.predict_proba(images)
        right[name] = probabilities.argmax(axis=1) == labels
        top[name] = probabilities.max(axis=1).astype(np.float64)
    spoilt_right = np.concatenate([right[name] for name in CORRUPTIONS])
    spoilt_top = np.concatenate([top[name] for name in CORRUPTIONS])
    errors = {name: float(1 - right[name].mean()) for name in CORRUPTIONS}
    known = top["MNIST"]
    refusal = {}
    for kind, images in strangers.items():
        sure = reader.predict_proba(images).max(axis=1).astype(np.float64)
        refusal[kind] = {
            "auroc": auroc(known, sure),
            "fpr95": float((sure >= np.quantile(known, 0.05)).mean()),
            "answered": float((sure >= reader.threshold).mean()),
        }
    ece, ece_interval = calibration_error(right["MNIST"], known)
    spoilt_ece, spoilt_interval = calibration_error(spoilt_right, spoilt_top, resamples=200)
    names = ["MNIST", *(name for name in OTHER_HANDS if name in digits)]
    return {
        "accuracy": {name: float(right[name].mean()) for name in names},
        "mnist_c": errors,
        "mnist_c_mean": float(np.mean(list(errors.values()))),
        "refusal": refusal,
        "ece": [ece, *ece_interval],
        "ece_mnist_c": [spoilt_ece, *spoilt_interval],
        "answered": {name: answers(right[name], top[name], reader.threshold) for name in names},
        "answered_mnist_c": answers(spoilt_right, spoilt_top, reader.threshold),
        "risk": {
            "MNIST": risk_coverage(right["MNIST"], known),
            "MNIST-C": risk_coverage(spoilt_right, spoilt_top),
        },
    }


def auroc(known, strange):
    """The chance that a digit gets a higher probability than a non-digit; ties count half."""
    ranks = rankdata(np.concatenate([known, strange]))[: len(known)]
    pairs = len(known) * len(strange)
    return float((ranks.sum() - len(known) * (len(known) + 1) / 2) / pairs)


def answers(right, top, threshold):
    """The share answered, and the share wrong among the answered."""
    answered = top >= threshold
    wrong = float(1 - right[answered].mean()) if answered.any() else 0.0
    return {"share": float(answered.mean()), "wrong": wrong}


def risk_coverage(right, top, points=400):
    """Where the surest share of the images is answered: (shares, share wrong among them)."""
    wrong = ~right[np.argsort(-top, kind="stable")]
    risk = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    at = np.unique(np.linspace(0, len(wrong) - 1, points).astype(int))
    return ((at + 1) / len(wrong)).tolist(), risk[at].tolist()


def table(results):
    """Lay the figures out, a column for each reader and way; all in per cent."""
    first = next(iter(results.values()))
    rows = [(f"{name}, right", lambda r, n=name: r["accuracy"][n]) for name in first["accuracy"]]
    rows += [("MNIST-C, mean error", lambda r: r["mnist_c_mean"])]
    rows += [
        (f"  {name}{' (unseen)' if name in UNSEEN else ''}", lambda r, n=name: r["mnist_c"][n])
        for name in CORRUPTIONS
    ]
    for figure in ("auroc", "fpr95", "answered"):
        rows.append(
            (
                f"non-digits, {figure}, mean",
                lambda r, f=figure: np.mean([kind[f] for kind in r["refusal"].values()]),
            )
        )
        rows += [
            (f"  {kind}", lambda r, k=kind, f=figure: r["refusal"][k][f])
            for kind in first["refusal"]
        ]
    rows += [
        ("calibration error, MNIST", lambda r: r["ece"]),
        ("calibration error, MNIST-C", lambda r: r["ece_mnist_c"]),
    ]
    for name in first["answered"]:
        rows.append((f"{name}, answered", lambda r, n=name: r["answered"][n]["share"]))
        rows.append(("  wrong among these", lambda r, n=name: r["answered"][n]["wrong"]))
    rows.append(("MNIST-C, answered", lambda r: r["answered_mnist_c"]["share"]))
    rows.append(("  wrong among these", lambda r: r["answered_mnist_c"]["wrong"]))
    lines = ["| per cent | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
    for label, figure in rows:
        cells = [cell(figure(result)) for result in results.values()]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(value):
    if isinstance(value, list):
        return f"{100 * value[0]:.2f} ({100 * value[1]:.2f}–{100 * value[2]:.2f})"
    return f"{100 * value:.2f}"


def figure(results):
    """Draw risk against coverage, and below it the error of each corruption."""
    with drawing(LIGHT):
        drawn = new_figure(height=9)
        upper, lower = drawn.subplots(2, 1, height_ratios=[1, 1.25])
        colours = (LIGHT.main, LIGHT.heat)
        # Digit images as they are: what is in this form already is not normalised again.
        shown = [name for name in results if name.endswith("resized")]
        for name, colour in zip(shown, colours, strict=False):
            for data, line in (("MNIST", "-"), ("MNIST-C", "--")):
                shares, risks = results[name]["risk"][data]
                label = f"{name.removesuffix(', resized')}, {data}"
                some = np.where(np.greater(risks, 0), risks, np.nan)  # none has no logarithm
                upper.plot(shares, some, line, color=colour, label=label, linewidth=1.8)
        upper.set_yscale("log")
        upper.set_title("Errors where only the surest are answered")
        upper.set_xlabel("share answered")
        upper.set_ylabel("share wrong among the answered")
        upper.legend(frameon=False, fontsize=9)
        places = np.arange(len(CORRUPTIONS))
        for name, colour in zip(shown, colours, strict=False):
            errors = [100 * results[name]["mnist_c"][c] for c in CORRUPTIONS]
            lower.plot(errors, places, "o", color=colour, label=name.removesuffix(", resized"))
        lower.set_yticks(places, [c.replace("_", " ") for c in CORRUPTIONS], color=LIGHT.ink)
        lower.invert_yaxis()
        lower.grid(axis="y", color=LIGHT.faint)
        lower.set_xscale("symlog", linthresh=1)
        lower.set_xlim(0, 100)
        lower.set_xticks([0, 1, 3, 10, 30, 100], ["0", "1", "3", "10", "30", "100"])
        lower.set_title("MNIST-C: per cent read wrongly")
        lower.legend(frameon=False, fontsize=9)
        return png(drawn)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--reader", help="a reader.onnx, by default the one that ships")
    parser.add_argument("--data", help="folder with usps_train.npz and optdigits32.npz")
    parser.add_argument("--out", default="runs/wild", help="folder for wild.json and wild.png")
    parser.add_argument("--quick", action="store_true", help="500 images of a corruption, not all")
    parser.add_argument(
        "--scratch", default=str(Path(tempfile.gettempdir(), "inkdigits-plain-cnn.pt"))
    )
    args = parser.parse_args()
    ours = Reader(args.reader) if args.reader else Reader()
    readers = {"inkdigits": ours, "plain CNN": PlainCNN(Path(args.scratch))}
    ways = {"normalised": normalised, "resized": resized}
    digits, strangers = gather(args)
    measured = {}
    for way, prepare in ways.items():
        images = {name: (prepare(pictures), labels) for name, (pictures, labels) in digits.items()}
        strange = {kind: prepare(pictures) for kind, pictures in strangers.items()}
        for name, reader in readers.items():
            print(f"{name}, {way}", file=sys.stderr)
            measured[name, way] = measure(reader, images, strange)
    results = {f"{name}, {way}": measured[name, way] for name in readers for way in ways}
    print(table(results))
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "wild.json").write_text(json.dumps(results, indent=1))
    (folder / "wild.png").write_bytes(figure(results))


if __name__ == "__main__":
    main()
