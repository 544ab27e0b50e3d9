import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = np.random.default_rng(1).normal(0, 1, (784, 10)).astype(np.float32)
ABOUT = {
    "inkdigits": "1",
    "classes": json.dumps(list("0123456789")),
    "recipe": json.dumps({"name": "tiny", "epochs": 1}),
    "provenance": json.dumps({"model": "linear", "seed": 7}),
    "temperature": "2.0",
    "threshold": "0.5",
}


def linear_model(about, *, image=("batch", 28, 28), kind=TensorProto.UINT8, classes=10):
    """A linear reader, put together without torch: logits = images / 255 · WEIGHTS."""
    constants = {
        "scale": np.float32(255),
        "weights": WEIGHTS[:, :classes],
        "temperature": np.float32(2),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["float"], ["flat"]),
        helper.make_node("Div", ["flat", "scale"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "weights"], ["logits"]),
        helper.make_node("Div", ["logits", "temperature"], ["cool"]),
        helper.make_node("Softmax", ["cool"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("images", kind, image)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, (image[0], classes))
            for name in ("logits", "probabilities")
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, about)
    return model


@pytest.fixture
def write(tmp_path):
    """Write a linear reader, with what is to be wrong about it, and return its path."""

    def write(about: dict[str, str | None] | None = None, **graph) -> Path:
        merged = {k: v for k, v in (ABOUT | (about or {})).items() if v is not None}
        path = tmp_path / "reader.onnx"
        onnx.save(linear_model(merged, **graph), path)
        return path

    return write


@pytest.fixture(scope="session")
def expected():
    """Logits and probabilities of the linear reader, in float64."""

    def expected(images):
        logits = images.reshape(-1, 784).astype(float) / 255 @ WEIGHTS.astype(float)
        weights = np.exp(logits / 2 - (logits / 2).max(axis=1, keepdims=True))
        return logits, weights / weights.sum(axis=1, keepdims=True)

    return expected
