"""Two readers in one file: a quick one, which asks a surer one about what it is unsure of.

A cascade of networks (Viola & Jones, 2001), whose second stage is a mean of both.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inkdigits import __version__
from inkdigits.data import Dataset, load
from inkdigits.errors import DataError, UsageError
from inkdigits.files import whole_file
from inkdigits.images import SIZE
from inkdigits.reading.reader import CLASSES, Reader, Scores
from inkdigits.training.calibration import calibrate, refusal_threshold
from inkdigits.training.export import OPSET, about, check_outputs
from inkdigits.training.job import split, vary_as_in_training

ALONE = 0.95  # the share of held-out images that the quick reader answers without asking
SHARE = 1 / 3  # that the quick reader keeps in the mean where it asks
FAINTEST = 1e-20  # the least probability whose logarithm is taken


@dataclass(frozen=True)
class Joined:
    """What was written, and how it reads the held-out images."""

    reader: Path
    asks_below: float
    asked: float
    val_accuracy: float
    temperature: float
    threshold: float


def join(
    quick: str | Path, sure: str | Path, path: str | Path, *, data: Dataset | None = None
) -> Joined:
    """Write to ``path`` a reader that reads by ``quick``, and by both where that is unsure.

    By both: by their mean, in which ``sure`` counts twice.

    Both are readers trained on the same data with the same images held out. On these the
    probability below which ``quick`` asks is set, so that it answers 95 % alone, and then
    temperature and threshold as at the end of a training. ``data`` is needed only where they were
    trained on a Dataset made in memory. Raises UsageError for readers that cannot be joined,
    DataError for files that are none or data that have changed, InkdigitsError if ``path`` cannot
    be written.
    """
    first, second, path = Reader(quick), Reader(sure), Path(path)
    dataset = _common_data(first, second, data)
    seed = int(first.provenance["seed"])
    held_out = split(dataset, first.recipe["validation_fraction"], seed)[1]
    assert held_out.labels is not None
    alone = first.predict_proba(held_out.images)
    below = refusal_threshold(alone, ALONE)
    logits = _joined_logits(first, second, held_out.images, below)
    harder = None
    if first.recipe.get("wild"):
        varied = vary_as_in_training(torch.from_numpy(held_out.images), seed).numpy()
        harder = _joined_logits(first, second, varied, below)
    temperature, threshold = calibrate(logits, held_out.labels, harder)
    model = _joined_model(first, second, below, temperature)
    asks = {
        "below": below,
        "sha256": second.sha256,
        "recipe": second.recipe,
        "provenance": second.provenance,
    }
    helper.set_model_props(
        model,
        about(
            temperature=temperature,
            threshold=threshold,
            recipe=first.recipe,
            provenance={**first.provenance, "inkdigits": __version__, "asks": asks},
        ),
    )
    with whole_file(path) as temporary:
        onnx.checker.check_model(model, full_check=True)
        temporary.write_bytes(model.SerializeToString(deterministic=True))
        check_outputs(
            temporary, lambda images: _expected(first, second, images, below, temperature), path
        )
    asked = float((alone.max(1) < below).mean())
    right = float((logits.argmax(1) == held_out.labels).mean())
    return Joined(path, below, asked, right, temperature, threshold)


def _common_data(quick: Reader, sure: Reader, given: Dataset | None) -> Dataset:
    """Return what both were trained on; UsageError if not the same, or not held out alike."""
    for reader in (quick, sure):
        if "asks" in reader.provenance:
            raise UsageError("is joined from two readers already; give one of those", reader.path)
    data, seed, fraction = told = _trained_on(quick)
    named = isinstance(data, dict) and {"source", "fingerprint"} <= data.keys()
    if not named or seed is None or fraction is None or told != _trained_on(sure):
        raise UsageError(
            "was not trained on the same data with the same seed as the quick reader, so it has "
            "seen what that one held out; train both alike",
            sure.path,
        )
    dataset = load(data["source"]) if given is None else given
    if dataset.fingerprint() != data["fingerprint"]:
        raise DataError("is not what the readers were trained on any more", dataset.source)
    return dataset


def _trained_on(reader: Reader) -> list[Any]:
    about, recipe = reader.provenance, reader.recipe
    return [about.get("data"), about.get("seed"), recipe.get("validation_fraction")]


def _joined_logits(quick: Reader, sure: Reader, images: NDArray[np.uint8], below: float) -> Scores:
    """Compute what the joined file will give as logits: logarithms of the probabilities."""
    probabilities = quick.predict_proba(images)
    unsure = probabilities.max(1) < below
    if unsure.any():
        asked = sure.predict_proba(images[unsure])
        probabilities[unsure] = SHARE * probabilities[unsure] + (1 - SHARE) * asked
    return np.log(np.maximum(probabilities, np.float32(FAINTEST)))


def _expected(
    quick: Reader, sure: Reader, images: NDArray[np.uint8], below: float, temperature: float
) -> tuple[Scores, Scores]:
    logits = _joined_logits(quick, sure, images, below)
    scaled = np.exp(logits / np.float32(temperature))
    return logits, scaled / scaled.sum(1, keepdims=True)


def _joined_model(quick: Reader, sure: Reader, below: float, temperature: float) -> Any:
    """Put both graphs into one, the second inside an If, so that it costs nothing unasked."""
    first, second = (
        onnx.compose.add_prefix(onnx.load(reader.path), prefix)
        for reader, prefix in ((quick, "quick_"), (sure, "sure_"))
    )
    node, constant = helper.make_node, _constant
    ask = helper.make_graph(
        [
            node("Squeeze", ["unsure_places", "first_axis"], ["rows"]),
            node("Gather", ["images", "rows"], ["sure_images"], axis=0),
            *second.graph.node,
            node("Gather", ["quick_probabilities", "rows"], ["quick_of_rows"], axis=0),
            node("Mul", ["quick_of_rows", "quick_share"], ["quick_part"]),
            node("Mul", ["sure_probabilities", "sure_share"], ["sure_part"]),
            node("Add", ["quick_part", "sure_part"], ["of_both"]),
            node("Transpose", ["unsure_places"], ["indices"], perm=[1, 0]),
            node("ScatterND", ["quick_probabilities", "indices", "of_both"], ["asked"]),
        ],
        "ask",
        [],
        [helper.make_tensor_value_info("asked", TensorProto.FLOAT, ["batch", len(CLASSES)])],
        [
            *second.graph.initializer,
            constant("first_axis", [0], np.int64),
            constant("quick_share", SHARE, np.float32),
            constant("sure_share", 1 - SHARE, np.float32),
        ],
    )
    answer = helper.make_graph(
        [node("Identity", ["quick_probabilities"], ["alone"])],
        "answer",
        [],
        [helper.make_tensor_value_info("alone", TensorProto.FLOAT, ["batch", len(CLASSES)])],
    )
    graph = helper.make_graph(
        [
            node("Identity", ["images"], ["quick_images"]),
            *first.graph.node,
            node("ReduceMax", ["quick_probabilities", "classes"], ["top"], keepdims=0),
            node("Less", ["top", "below"], ["unsure"]),
            node("NonZero", ["unsure"], ["unsure_places"]),
            node("Size", ["unsure_places"], ["unsure_count"]),
            node("Greater", ["unsure_count", "none"], ["any"]),
            node("If", ["any"], ["mean"], then_branch=ask, else_branch=answer),
            node("Max", ["mean", "faintest"], ["seen"]),
            node("Log", ["seen"], ["logits"]),
            node("Div", ["logits", "temperature"], ["scaled"]),
            node("Softmax", ["scaled"], ["probabilities"], axis=1),
        ],
        "joined",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", SIZE, SIZE])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", len(CLASSES)])
            for name in ("logits", "probabilities")
        ],
        [
            *first.graph.initializer,
            constant("classes", [1], np.int64),
            constant("below", below, np.float32),
            constant("none", 0, np.int64),
            constant("faintest", FAINTEST, np.float32),
            constant("temperature", temperature, np.float32),
        ],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=first.ir_version,
        producer_name="inkdigits",
        producer_version=__version__,
    )


def _constant(name: str, value: Any, dtype: Any) -> Any:
    return numpy_helper.from_array(np.array(value, dtype), name)
