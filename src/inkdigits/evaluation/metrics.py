"""What probabilities and true labels say about a reader: one call, one frozen result.

Names follow scikit-learn where it has one for the thing. Throughout, ``labels`` is uint8 (N,) of
0–9 and ``probabilities`` float32 (N, 10) whose rows sum to 1; the digit read is the likeliest one.
"""

from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkdigits.data.dataset import CLASSES, Labels, check_labels
from inkdigits.errors import DataError
from inkdigits.evaluation.calibration import Bin, calibration_curve, calibration_error

Probabilities = NDArray[np.float32]

_TINY = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class ClassScore:
    """How one digit fared; all shares 0–1.

    ``precision``: of the images read as ``label``, the share that are it; None if none was read so.
    ``recall``: of the images that are ``label``, the share read so, with its 95 % Wilson
    ``recall_interval``; both None if there are none. ``support``: how many images are ``label``.
    """

    label: int
    precision: float | None
    recall: float | None
    recall_interval: tuple[float, float] | None
    support: int


@dataclass(frozen=True)
class Confidence:
    """The probability given to the digit that was read: mean, median and the lowest 5 % mark."""

    mean: float
    median: float
    quantile_5: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All that is measured on N labelled images; shares are 0–1, intervals are 95 %.

    ``confusion`` is int64 (10, 10): rows are true labels, columns what was read. ``ece`` is the
    expected calibration error, ``nll`` the mean negative log-likelihood in nats, ``calibration``
    the bins behind ``ece``. ``errors`` is int64 (E,): the places of the images read wrongly, the
    most confident first.
    """

    n: int
    accuracy: float
    interval: tuple[float, float]
    per_class: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]
    ece: float
    ece_interval: tuple[float, float]
    nll: float
    confidence: Confidence
    calibration: tuple[Bin, ...]
    errors: NDArray[np.int64]

    @property
    def correct(self) -> int:
        """How many of the ``n`` were read rightly."""
        return int(np.trace(self.confusion))

    def confusions(self) -> list[tuple[int, int, int]]:
        """List (true label, read as, how often) of all pairs mistaken, the most frequent first."""
        pairs = [
            (true, read, int(count))
            for (true, read), count in np.ndenumerate(self.confusion)
            if true != read and count
        ]
        return sorted(pairs, key=lambda pair: -pair[2])

    def to_json(self) -> dict[str, Any]:
        """Everything as plain numbers, lists and dicts; what is undefined (0/0) is None."""
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "per_class": [asdict(score) for score in self.per_class],
            "confusion": self.confusion.tolist(),
            "ece": self.ece,
            "ece_interval": list(self.ece_interval),
            "nll": self.nll,
            "confidence": asdict(self.confidence),
            "calibration": [asdict(bin_) for bin_ in self.calibration],
            "errors": self.errors.tolist(),
        }


def evaluate(labels: Labels, probabilities: Probabilities) -> Evaluation:
    """Measure ``probabilities`` against ``labels``; equal input gives equal output.

    Raises DataError if there are no images, if the shapes do not match, or if a row of
    ``probabilities`` is no distribution (outside 0–1, not finite, or off a sum of 1 by over 0.001).
    """
    labels = check_labels(labels, "labels")
    probabilities = _check_probabilities(probabilities, len(labels))
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = predicted == labels
    confusion = confusion_matrix(labels, predicted)
    correct, n = int(right.sum()), len(labels)
    ece, ece_interval = calibration_error(right, confidence)
    return Evaluation(
        n=n,
        accuracy=correct / n,
        interval=wilson_interval(correct, n),
        per_class=class_scores(confusion),
        confusion=confusion,
        ece=ece,
        ece_interval=ece_interval,
        nll=log_loss(labels, probabilities),
        confidence=Confidence(
            float(confidence.mean()),
            float(np.median(confidence)),
            float(np.quantile(confidence, 0.05)),
        ),
        calibration=calibration_curve(right, confidence),
        errors=_most_confident_first(np.flatnonzero(~right), confidence),
    )


def wilson_interval(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval for a share seen as ``successes`` of ``n`` ≥ 1 (Wilson 1927, without continuity).

    Unlike the normal approximation it stays within 0–1 and does not shrink to a point at 0 or n.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    # At the ends the exact bounds are 0 and 1; rounding would leave them a hair off.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return low, high


def confusion_matrix(labels: Labels, predicted: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Count int64 (10, 10): entry [t, p] is how many images of digit t were read as p."""
    pairs = labels.astype(np.int64) * CLASSES + predicted
    return np.bincount(pairs, minlength=CLASSES**2).reshape(CLASSES, CLASSES).astype(np.int64)


def class_scores(confusion: NDArray[np.int64]) -> tuple[ClassScore, ...]:
    """Precision, recall and support for each digit; 0/0 is None, not a made-up 0 or 1."""
    scores = []
    for label in range(CLASSES):
        hits = int(confusion[label, label])
        support, read = int(confusion[label].sum()), int(confusion[:, label].sum())
        scores.append(
            ClassScore(
                label=label,
                precision=hits / read if read else None,
                recall=hits / support if support else None,
                recall_interval=wilson_interval(hits, support) if support else None,
                support=support,
            )
        )
    return tuple(scores)


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Mean −log of the probability given to the true digit, in nats.

    Probabilities below float32's epsilon count as epsilon, as in scikit-learn, so that one sure
    mistake costs 15.9 and not infinity.
    """
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(np.log(1 / np.clip(given, _TINY, 1)).mean())


def _most_confident_first(
    places: NDArray[np.int64], confidence: NDArray[np.float64]
) -> NDArray[np.int64]:
    return places[np.argsort(-confidence[places], kind="stable")]


def _check_probabilities(probabilities: NDArray[Any], n: int) -> Probabilities:
    array = np.asarray(probabilities)
    if n == 0:
        raise DataError("there are no images to evaluate; give at least one", "labels")
    if array.dtype.kind != "f" or array.shape != (n, CLASSES):
        raise DataError(
            f"shape {array.shape} of {array.dtype} where ({n}, {CLASSES}) of floats belongs: "
            "one row for each label",
            "probabilities",
        )
    sound = np.isfinite(array) & (array >= 0) & (array <= 1 + 1e-3)
    total = np.where(sound, array, 0).sum(axis=1)
    wrong = np.flatnonzero(~sound.all(axis=1) | (np.abs(total - 1) > 1e-3))
    if wrong.size:
        raise DataError(
            f"row {wrong[0]} (counted from 0) is no distribution: each value must lie in 0–1 and "
            "all ten must sum to 1; give probabilities, not logits",
            "probabilities",
        )
    clipped: Probabilities = np.clip(array, 0, 1).astype(np.float32)
    return clipped
