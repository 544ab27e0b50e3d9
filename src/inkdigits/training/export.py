"""The one file that training ends in: a network as ONNX, with all that its user must know."""

import copy
import json
import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from inkdigits import __version__
from inkdigits.errors import InkdigitsError
from inkdigits.files import whole_file
from inkdigits.images import SIZE, Images
from inkdigits.reading.reader import CLASSES, FORMAT, Reader, Scores
from inkdigits.reading.seal import KEY, UNSEALED, seal
from inkdigits.training.calibration import DIVERGED

OPSET = 18
BATCHES = (1, 2, 7, 64)
TOLERANCE = 1e-4


class Calibrated(nn.Module):
    """A network with the softmax of its logits at a temperature, as the reader's file holds it."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images uint8 (N, 28, 28) to logits and probabilities, float32 (N, 10)."""
        logits = self.network(images)
        return logits, (logits / self.temperature).softmax(dim=1)


def export_reader(
    network: nn.Module,
    path: Path,
    *,
    temperature: float,
    threshold: float,
    recipe: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> None:
    """Write ``network`` (uint8 images (N, 28, 28) to logits (N, 10)) to ``path`` as a reader.

    ``recipe`` and ``provenance`` are JSON values and travel in the file, so they hold nothing that
    differs between two runs of one seed: equal arguments give equal bytes. The file appears only
    once a Reader of it has given the outputs of ``network`` in evaluation mode; ``network`` itself
    stays as it is. Raises InkdigitsError if the outputs differ or ``path`` cannot be written.
    """
    if not (0 < temperature < math.inf and 0 <= threshold <= 1):
        raise InkdigitsError(f"temperature {temperature} or threshold {threshold} is out of range")
    # A copy, so that the caller's modes, device and memory layout are left alone.
    plain = copy.deepcopy(network).to("cpu", torch.float32)
    calibrated = Calibrated(plain, temperature).eval()
    properties = about(
        temperature=temperature, threshold=threshold, recipe=recipe, provenance=provenance
    )
    with whole_file(path) as temporary:
        _write_onnx(calibrated, temporary)
        model = onnx.load(temporary)
        onnx.helper.set_model_props(model, properties)
        model.producer_name, model.producer_version = "inkdigits", __version__
        onnx.checker.check_model(model, full_check=True)
        temporary.write_bytes(seal(model.SerializeToString(deterministic=True)))

        def outputs(images: Images) -> tuple[Scores, Scores]:
            with torch.no_grad():
                logits, probabilities = calibrated(torch.from_numpy(images))
            return logits.numpy(), probabilities.numpy()

        check_outputs(temporary, outputs, path)


def about(
    *,
    temperature: float,
    threshold: float,
    recipe: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, str]:
    """Return what a reader's file tells of itself besides its graph."""
    return {
        "inkdigits": FORMAT,
        "classes": _json(CLASSES),
        "recipe": _json(recipe),
        "provenance": _json(provenance),
        "temperature": repr(float(temperature)),
        "threshold": repr(float(threshold)),
        KEY: UNSEALED,
    }


def _write_onnx(calibrated: Calibrated, file: Path) -> None:
    # The tracing exporter: 0.3 s where the torch.export one takes 5 s, needs onnxscript, prints,
    # and writes the stack traces of this machine into the file. What it warns of is checked below.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                calibrated,
                (torch.zeros(2, SIZE, SIZE, dtype=torch.uint8),),
                file,
                input_names=["images"],
                output_names=["logits", "probabilities"],
                dynamic_axes={name: {0: "batch"} for name in ("images", "logits", "probabilities")},
                opset_version=OPSET,
                dynamo=False,
            )
        except RuntimeError as error:  # also the base of the exporter's own errors
            reason = str(error).partition("\n")[0]
            raise InkdigitsError(f"the network cannot be written as ONNX: {reason}") from error


def check_outputs(
    file: Path, expected: Callable[[Images], tuple[Scores, Scores]], path: Path
) -> None:
    """Compare the reader in ``file`` with the ``expected`` logits and probabilities, by batches.

    Outputs may differ by 1e-4 of the largest logit (or of 1, if that is larger): float32 rounds
    sums of other orders so, and no answer changes but where two logits are equal that nearly.
    Raises InkdigitsError, which names ``path``, where the file will be.
    """
    batches = np.split(_blots(sum(BATCHES)), np.cumsum(BATCHES)[:-1])
    outputs = [expected(batch) for batch in batches]
    if not all(np.isfinite(output).all() for pair in outputs for output in pair):
        raise InkdigitsError(DIVERGED, path)
    try:
        reader = Reader(file)
    except InkdigitsError as error:
        raise InkdigitsError(f"the exported network fails: {error.message}", path) from error
    for batch, (logits, probabilities) in zip(batches, outputs, strict=True):
        allowed = TOLERANCE * max(1.0, float(np.abs(logits).max()))
        pairs = ((reader.logits, logits), (reader.predict_proba, probabilities))
        far = np.max([np.abs(read(batch) - output).max() for read, output in pairs])
        if not far <= allowed:
            raise InkdigitsError(
                f"the exported network differs from the trained one by {far:.2g} in a batch of "
                f"{len(batch)}, where {allowed:.2g} is allowed; no reader was written",
                path,
            )


def _blots(count: int) -> Images:
    """Draw ``count`` images of random ink, as sparse and as coarse as a digit's."""
    rng = np.random.default_rng(0)
    ink = rng.integers(0, 256, (count, SIZE // 4, SIZE // 4), dtype=np.uint8)
    ink[rng.random(ink.shape) > 0.25] = 0
    return ink.repeat(4, axis=1).repeat(4, axis=2)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
