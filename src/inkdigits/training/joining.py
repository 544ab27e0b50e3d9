"""Several readers in one file: a quick one, which asks surer ones about what it is unsure of.

A cascade of networks (Viola & Jones, 2001), whose second stage is the mean of several: of their
logits, so that one that is at a loss says little. As they are asked seldom, size is what they cost:
their weights are kept in 8 bits.
"""

import tempfile
from collections.abc import Sequence
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
from inkdigits.files import spare, whole_file
from inkdigits.images import SIZE
from inkdigits.reading.reader import CLASSES, Reader, Scores
from inkdigits.reading.seal import seal
from inkdigits.training.calibration import calibrate, refusal_threshold
from inkdigits.training.export import OPSET, about, check_outputs
from inkdigits.training.pool import vary_as_in_training
from inkdigits.training.split import split

ALONE = 0.98  # the share of held-out images that the quick reader answers without asking
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
    quick: str | Path,
    sure: Sequence[str | Path],
    path: str | Path,
    *,
    data: Dataset | None = None,
) -> Joined:
    """Write to ``path`` a reader that reads by ``quick``, and by all of ``sure`` where unsure.

    All are readers trained on the same data with the same images held out. On these the
    probability below which ``quick`` asks is set, so that it answers 98 % alone, and then
    temperature and threshold as at the end of a training. ``data`` is needed only where they were
    trained on a Dataset made in memory. Raises UsageError for readers that cannot be joined, or
    that ``path`` would overwrite, DataError for files that are none or data that have changed,
    InkdigitsError if ``path`` cannot be written.
    """
    first, surer, path = Reader(quick), [Reader(reader) for reader in sure], Path(path)
    spare([reader.path for reader in (first, *surer)], path)
    dataset = _common_data(first, surer, data)
    seed = int(first.provenance["seed"])
    held_out = split(dataset, first.recipe["validation_fraction"], seed)[1]
    assert held_out.labels is not None
    alone = first.predict_proba(held_out.images)
    below = refusal_threshold(alone, ALONE)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.onnx" for number in range(len(surer))]
        small = [_in_8_bits(reader, file) for reader, file in zip(surer, files, strict=True)]
        cascade = _Cascade(first, small, below)
        logits = cascade.logits(held_out.images)
        harder = None
        if first.recipe.get("wild"):
            varied = vary_as_in_training(torch.from_numpy(held_out.images), seed).numpy()
            harder = cascade.logits(varied)
        temperature, threshold = calibrate(logits, held_out.labels, harder)
        asks = {"below": below, "readers": [_told(reader) for reader in surer]}
        properties = about(
            temperature=temperature,
            threshold=threshold,
            recipe=first.recipe,
            provenance={**first.provenance, "inkdigits": __version__, "asks": asks},
        )
        _write(cascade, temperature, properties, path)
    asked = float((alone.max(1) < below).mean())
    right = float((logits.argmax(1) == held_out.labels).mean())
    return Joined(path, below, asked, right, temperature, threshold)


def _common_data(quick: Reader, surer: Sequence[Reader], given: Dataset | None) -> Dataset:
    """Return what all were trained on; UsageError if not the same, or not held out alike."""
    for reader in (quick, *surer):
        if "asks" in reader.provenance:
            raise UsageError("is joined from others already; give one of those", reader.path)
    data, seed, fraction = told = _trained_on(quick)
    named = isinstance(data, dict) and {"source", "fingerprint"} <= data.keys()
    for reader in surer:
        if not named or seed is None or fraction is None or told != _trained_on(reader):
            raise UsageError(
                "was not trained on the same data with the same seed as the quick reader, so it "
                "has seen what that one held out; train all alike",
                reader.path,
            )
    dataset = load(data["source"]) if given is None else given
    if dataset.fingerprint() != data["fingerprint"]:
        raise DataError("is not what the readers were trained on any more", dataset.source)
    return dataset


def _trained_on(reader: Reader) -> list[Any]:
    about, recipe = reader.provenance, reader.recipe
    return [about.get("data"), about.get("seed"), recipe.get("validation_fraction")]


def _told(reader: Reader) -> dict[str, Any]:
    return {
        "sha256": reader.sha256,
        "recipe": reader.recipe,
        "provenance": reader.provenance,
    }


def _in_8_bits(reader: Reader, file: Path) -> Reader:
    """Write to ``file``, and open, the same reader with its weights in 8 bits.

    As whole multiples, -127 to 127, of a scale for each output channel. They are multiplied when
    the file is opened; biases and the like stay in float32, which all is computed in.
    """
    model = onnx.load(reader.path)
    nodes, scales = [], []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1:
            name = tensor.name
            weights = numpy_helper.to_array(tensor)
            largest = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
            scale = np.where(largest == 0, 1, largest / 127).astype(np.float32)
            steps = np.rint(weights / scale).astype(np.int8)
            tensor.CopyFrom(numpy_helper.from_array(steps, f"{name}_steps"))
            scales.append(numpy_helper.from_array(scale, f"{name}_scale"))
            cast = helper.make_node(
                "Cast", [f"{name}_steps"], [f"{name}_whole"], to=TensorProto.FLOAT
            )
            nodes += [cast, helper.make_node("Mul", [f"{name}_whole", f"{name}_scale"], [name])]
    model.graph.initializer.extend(scales)
    nodes += model.graph.node
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    file.write_bytes(seal(model.SerializeToString()))
    return Reader(file)


def _write(cascade: "_Cascade", temperature: float, told: dict[str, str], path: Path) -> None:
    model = cascade.model(temperature)
    helper.set_model_props(model, told)
    with whole_file(path) as temporary:
        onnx.checker.check_model(model, full_check=True)
        temporary.write_bytes(seal(model.SerializeToString(deterministic=True)))
        check_outputs(temporary, lambda images: cascade.outputs(images, temperature), path)


@dataclass(frozen=True)
class _Cascade:
    """A quick reader, those that it asks, and the probability below which it does."""

    quick: Reader
    sure: list[Reader]
    below: float

    def logits(self, images: NDArray[np.uint8]) -> Scores:
        """Compute what the joined file will give as logits: logarithms of probabilities."""
        probabilities = self.quick.predict_proba(images)
        unsure = probabilities.max(1) < self.below
        logits = _logarithms(probabilities)
        if unsure.any():
            asked = [_logarithms(reader.predict_proba(images[unsure])) for reader in self.sure]
            logits[unsure] = np.mean(asked, axis=0)
        return logits

    def outputs(self, images: NDArray[np.uint8], temperature: float) -> tuple[Scores, Scores]:
        """Compute the joined file's logits and probabilities."""
        logits = self.logits(images)
        scaled = np.exp(logits / np.float32(temperature))
        return logits, scaled / scaled.sum(1, keepdims=True)

    def model(self, temperature: float) -> Any:
        """Put all graphs into one, the surer inside an If, so that they cost nothing unasked."""
        names = [f"sure{number}_" for number in range(len(self.sure))]
        first, *others = (
            onnx.compose.add_prefix(onnx.load(reader.path), prefix)
            for reader, prefix in zip([self.quick, *self.sure], ["quick_", *names], strict=True)
        )
        node, constant = helper.make_node, _constant
        ask = helper.make_graph(
            [
                node("Squeeze", ["unsure_places", "first_axis"], ["rows"]),
                *(node("Gather", ["images", "rows"], [f"{name}images"], axis=0) for name in names),
                *(step for other in others for step in other.graph.node),
                *(step for name in names for step in _logarithm_nodes(name)),
                node("Mean", [f"{name}logarithms" for name in names], ["their_mean"]),
                node("Transpose", ["unsure_places"], ["indices"], perm=[1, 0]),
                node("ScatterND", ["quick_logarithms", "indices", "their_mean"], ["asked"]),
            ],
            "ask",
            [],
            [helper.make_tensor_value_info("asked", TensorProto.FLOAT, ["batch", len(CLASSES)])],
            [
                *(weights for other in others for weights in other.graph.initializer),
                constant("first_axis", [0], np.int64),
            ],
        )
        answer = helper.make_graph(
            [node("Identity", ["quick_logarithms"], ["alone"])],
            "answer",
            [],
            [helper.make_tensor_value_info("alone", TensorProto.FLOAT, ["batch", len(CLASSES)])],
        )
        graph = helper.make_graph(
            [
                node("Identity", ["images"], ["quick_images"]),
                *first.graph.node,
                *_logarithm_nodes("quick_"),
                node("ReduceMax", ["quick_probabilities", "classes"], ["top"], keepdims=0),
                node("Less", ["top", "below"], ["unsure"]),
                node("NonZero", ["unsure"], ["unsure_places"]),
                node("Size", ["unsure_places"], ["unsure_count"]),
                node("Greater", ["unsure_count", "none"], ["any"]),
                node("If", ["any"], ["logits"], then_branch=ask, else_branch=answer),
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
                constant("below", self.below, np.float32),
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


def _logarithms(probabilities: Scores) -> Scores:
    return np.log(np.maximum(probabilities, np.float32(FAINTEST)))


def _logarithm_nodes(name: str) -> list[Any]:
    """Return the same as nodes, of the probabilities of the reader whose names begin so."""
    return [
        helper.make_node("Max", [f"{name}probabilities", "faintest"], [f"{name}seen"]),
        helper.make_node("Log", [f"{name}seen"], [f"{name}logarithms"]),
    ]


def _constant(name: str, value: Any, dtype: Any) -> Any:
    return numpy_helper.from_array(np.array(value, dtype), name)
