"""One suite over every architecture in the table."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from inkdigits.data import load
from inkdigits.errors import UsageError
from inkdigits.models import ARCHITECTURES, Network, architecture, create
from inkdigits.models.layers import Dropout
from inkdigits.models.summary import layer_table
from inkdigits.training.export import export_reader

REFERENCES = json.loads(Path(__file__).with_name("reference_shapes.json").read_text("utf-8"))

# As published, or as they follow from the paper's table where the paper rounds.
PUBLISHED = {
    "report_cnn": 1_630_090,
    "lenet5": 61_706,
    "lenet5_1998": 60_000,
    "vgg11": 132_863_336,
    "vgg11_lrn": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16_1x1": 133_638_952,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "inception_v1": 6_998_552,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
}

every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def real_digits() -> tuple[torch.Tensor, torch.Tensor]:
    mnist = load("mnist")
    return torch.tensor(mnist.images[:64]), torch.tensor(mnist.labels[:64]).long()


@cache
def trained(name: str) -> tuple[Network, list[float], dict[str, float]]:
    """A network after a few steps on real digits, its losses, its first gradients' magnitudes."""
    images, labels = (part[:32] for part in real_digits())
    torch.manual_seed(0)
    network = create(name).to(memory_format=torch.channels_last).train()
    for module in network.modules():
        if isinstance(module, Dropout):
            module.eval()  # so that the loss depends on the weights alone
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    losses = []
    gradients = {}
    for _ in range(6):
        loss, logits = network.loss(images, labels)
        assert logits.shape == (32, 10)
        optimiser.zero_grad()
        loss.backward()
        gradients = gradients or {
            weight: 0.0 if p.grad is None else p.grad.abs().max().item()
            for weight, p in network.named_parameters()
        }
        optimiser.step()
        losses.append(loss.item())
    return network.eval(), losses, gradients


@every_architecture
def test_a_short_training_lowers_the_loss(name):
    _, losses, _ = trained(name)
    assert np.isfinite(losses).all()
    assert min(losses[-2:]) < 0.98 * losses[0]


@every_architecture
def test_every_parameter_has_a_gradient(name):
    _, _, gradients = trained(name)
    assert [weight for weight, size in gradients.items() if not 0 < size < np.inf] == []


@every_architecture
def test_logits_are_finite_and_depend_on_one_image_only(name):
    network, _, _ = trained(name)
    images, _ = real_digits()
    with torch.no_grad():
        together = network(images[:4])
        alone = network(images[:1])
        floats = network(images[:4].double())
    assert together.shape == (4, 10)
    assert together.isfinite().all()
    torch.testing.assert_close(alone, together[:1], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(floats, together, rtol=1e-3, atol=1e-3)


@every_architecture
def test_the_exported_network_gives_equal_logits(name, tmp_path):
    network, _, _ = trained(name)
    path = tmp_path / "reader.onnx"
    export_reader(network, path, temperature=1.0, threshold=0.5, recipe={}, provenance={})
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    images, _ = real_digits()
    for batch in (1, 2, 7, 64):
        (logits,) = session.run(["logits"], {"images": images[:batch].numpy()})
        with torch.no_grad():
            wanted = network(images[:batch]).numpy()
        np.testing.assert_allclose(logits, wanted, atol=1e-4 * max(1, np.abs(wanted).max()))


@every_architecture
def test_the_same_seed_gives_the_same_weights(name):
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(create(name).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@every_architecture
def test_the_layer_table_counts_every_parameter(name):
    table = layer_table(name)
    network, _, _ = trained(name)
    total = sum(p.numel() for p in network.parameters())
    assert table.parameters + table.training_only_parameters == total
    assert table.layers[-1].shape == (10,)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_papers_own_size_has_the_published_number_of_parameters(name):
    assert layer_table(name, "paper").parameters == PUBLISHED[name]


@pytest.mark.parametrize("name", sorted(REFERENCES.keys() - {"made"}))
def test_the_parameters_have_the_shapes_of_an_independent_implementation(name):
    entry = architecture(name)
    with torch.device("meta"):
        ours = [list(p.shape) for p in entry.build(entry.paper, 1).parameters()]
    assert [_flat(s) for s in ours] == [_flat(s) for s in REFERENCES[name]["shapes"]]


def _flat(shape):
    """A dense layer's shape, where a package writes it as the convolution that it equals."""
    return [shape[0], int(np.prod(shape[1:]))] if shape[0] == 4096 and len(shape) > 1 else shape


def test_inceptions_auxiliary_classifiers_count_while_training_only():
    network, _, _ = trained("inception_v1")
    images, labels = real_digits()
    with torch.no_grad():
        network.eval()
        plain, logits = network.loss(images, labels)
        torch.testing.assert_close(plain, torch.nn.functional.cross_entropy(logits, labels))
        network.train()
        for module in network.modules():
            if isinstance(module, Dropout):
                module.eval()
        assert network.loss(images, labels)[0] > plain + 0.3
        network.eval()


def test_an_unknown_name_is_answered_with_its_neighbours():
    with pytest.raises(UsageError, match=r"'resnet52'; choose resnet50"):
        create("resnet52")
