import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from inkdigits.errors import InkdigitsError
from inkdigits.images import check_images
from inkdigits.models import Network, create
from inkdigits.reading import Reader
from inkdigits.training.export import export_reader

ABOUT = {
    "temperature": 1.7,
    "threshold": 0.6,
    "recipe": {"name": "report", "epochs": 20, "zoom": (0.85, 1.15)},
    "provenance": {"model": "report_cnn", "data": {"source": "mnist42k"}, "seed": 3},
}
IMAGES = np.random.default_rng(0).integers(0, 256, (70, 28, 28), dtype=np.uint8)


class Everything(nn.Module):
    """The kinds of layers that architectures bring, in one small network."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2),
            nn.BatchNorm2d(8),
            nn.Tanh(),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.LocalResponseNorm(5),
        )
        self.branches = nn.ModuleList([nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 3, padding=1)])
        self.auxiliary = nn.Linear(8, 10)
        self.head = nn.Sequential(
            nn.AvgPool2d(2),
            nn.Dropout(0.5),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 10),
        )

    def forward(self, x):
        x = self.stem(x)
        x = x + torch.cat([branch(x) for branch in self.branches], dim=1)
        if self.training:
            return self.head(x), self.auxiliary(x.mean(dim=(2, 3)))
        return self.head(x)


def small(seed=0):
    torch.manual_seed(seed)
    return Network(nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 10)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reader.onnx"


def everything():
    torch.manual_seed(0)
    network = Network(Everything())
    for _ in range(3):  # moves the running statistics of the batch norm
        network(torch.from_numpy(IMAGES))
    return network


@pytest.mark.parametrize("build", [lambda: create("report_cnn"), everything])
def test_the_reader_gives_what_the_network_gives(path, build):
    torch.manual_seed(1)
    network = build()
    export_reader(network, path, **ABOUT)
    with torch.no_grad():
        logits = network.eval()(torch.from_numpy(IMAGES))
    reader = Reader(path)
    np.testing.assert_allclose(reader.logits(IMAGES), logits, atol=1e-4)
    probabilities = torch.softmax(logits.double() / 1.7, dim=1)
    np.testing.assert_allclose(reader.predict_proba(IMAGES), probabilities, atol=1e-4)
    np.testing.assert_array_equal(reader.predict(IMAGES), logits.argmax(dim=1))


def test_what_is_known_of_the_network_travels_with_it(path):
    export_reader(small(), path, **ABOUT)
    reader = Reader(path)
    assert (reader.temperature, reader.threshold) == (1.7, 0.6)
    assert reader.recipe == json.loads(json.dumps(ABOUT["recipe"]))
    assert reader.provenance == ABOUT["provenance"]


def test_the_graph_is_lean(path):
    export_reader(create("report_cnn"), path, **ABOUT)
    graph = onnx.load(path).graph
    assert [node.op_type for node in graph.node if node.op_type != "Constant"] == [
        *("Cast", "Unsqueeze", "Div"),
        *("Conv", "MaxPool", "Relu") * 2,
        *("Transpose", "Flatten", "Gemm", "Relu", "Gemm"),  # channels last, as Keras flattens
        *("Div", "Softmax"),
    ]
    weights = [np.prod(w.dims) for w in graph.initializer]
    assert {w.data_type for w in graph.initializer} == {onnx.TensorProto.FLOAT}
    assert sum(weights) == 1_630_090


def test_equal_networks_give_equal_bytes(path, tmp_path):
    export_reader(small(), path, **ABOUT)
    elsewhere = tmp_path / "another folder" / "r.onnx"
    elsewhere.parent.mkdir()
    shuffled = ABOUT | {"provenance": dict(reversed(ABOUT["provenance"].items()))}
    export_reader(small().eval().to(memory_format=torch.channels_last), elsewhere, **shuffled)
    assert path.read_bytes() == elsewhere.read_bytes()
    export_reader(small(seed=1), elsewhere, **ABOUT)
    assert path.read_bytes() != elsewhere.read_bytes()


def test_memory_layout_leaves_no_trace(path, tmp_path):
    torch.manual_seed(0)
    network = create("report_cnn")
    export_reader(network, path, **ABOUT)
    export_reader(network.to(memory_format=torch.channels_last), tmp_path / "last", **ABOUT)
    assert path.read_bytes() == (tmp_path / "last").read_bytes()


def test_another_process_gives_equal_bytes_and_prints_nothing(path, tmp_path):
    export_reader(small(), path, **ABOUT)
    code = f"""
import sys
from pathlib import Path
import torch
from torch import nn
from inkdigits.models import Network
from inkdigits.training.export import export_reader
torch.manual_seed(0)
body = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 10))
export_reader(Network(body), Path(sys.argv[1]), **{ABOUT!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "other"], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert path.read_bytes() == (tmp_path / "other").read_bytes()
    assert str(Path.cwd()).encode() not in path.read_bytes()


def test_the_network_stays_as_it_was(path):
    network = everything().to(torch.float64)
    network.body.stem.eval()  # some layers frozen, others not
    modes = [module.training for module in network.modules()]
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    generator = torch.get_rng_state()
    export_reader(network, path, **ABOUT)
    assert [module.training for module in network.modules()] == modes
    assert torch.equal(torch.get_rng_state(), generator)
    for name, value in network.state_dict().items():
        assert value.dtype == weights[name].dtype
        assert torch.equal(value, weights[name])


class Unfaithful(nn.Module):
    """Its outputs depend on a value that tracing takes for a constant."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 10)

    def forward(self, x):
        scores = self.layer(x.flatten(1))
        return scores + 1 if x.sum() > 0 else scores


def test_a_network_that_differs_once_exported_is_refused(path):
    path.write_bytes(b"an older reader")
    with pytest.raises(InkdigitsError, match="differs from the trained one"):
        export_reader(Network(Unfaithful()), path, **ABOUT)
    assert path.read_bytes() == b"an older reader"
    assert list(path.parent.iterdir()) == [path]


def test_a_network_bound_to_one_batch_is_refused(path):
    class Bound(nn.Module):
        def forward(self, x):
            return torch.zeros(len(x), 10) + x.flatten(1)[:, :10]

    with pytest.raises(InkdigitsError, match=r"reader\.onnx: the exported network fails"):
        export_reader(Network(Bound()), path, **ABOUT)
    assert not list(path.parent.iterdir())


def test_a_network_that_onnx_has_no_words_for_is_refused(path):
    class Unknown(nn.Module):
        def forward(self, x):
            return torch.special.i0(x.flatten(1)[:, :10])

    with pytest.raises(InkdigitsError, match="cannot be written as ONNX") as caught:
        export_reader(Network(Unknown()), path, **ABOUT)
    assert "\n" not in str(caught.value)
    assert not list(path.parent.iterdir())


def test_weights_that_are_not_finite_are_refused(path):
    network = small()
    with torch.no_grad():
        network.body[3].weight[0, 0] = float("nan")
    with pytest.raises(InkdigitsError, match="diverged"):
        export_reader(network, path, **ABOUT)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize(
    "wrong", [{"temperature": 0.0}, {"temperature": float("nan")}, {"threshold": 1.1}]
)
def test_numbers_out_of_range_are_refused(path, wrong):
    with pytest.raises(InkdigitsError, match="out of range"):
        export_reader(small(), path, **(ABOUT | wrong))
    assert not list(path.parent.iterdir())


def test_a_place_that_cannot_be_written_is_one_line(path):
    with pytest.raises(InkdigitsError, match="cannot be written") as caught:
        export_reader(small(), path / "none" / "reader.onnx", **ABOUT)
    assert "\n" not in str(caught.value)


def test_images_are_taken_as_the_rest_of_inkdigits_takes_them(path):
    export_reader(small(), path, **ABOUT)
    flat = IMAGES.reshape(-1, 784).astype(float)
    np.testing.assert_array_equal(
        Reader(path).logits(flat), Reader(path).logits(check_images(IMAGES))
    )
