import numpy as np
import pytest
import torch

from inkdigits.models import create
from inkdigits.training.optimiser import Average, FusedRMSprop, make_optimiser, orthogonalise
from inkdigits.training.recipe import REPORT, AdamW, Muon, RMSprop


def test_rmsprop_follows_its_published_rule():
    settings = RMSprop(learning_rate=0.01, rho=0.9, epsilon=1e-3)  # large, so its place shows
    rng = np.random.default_rng(0)
    start = rng.normal(size=(40, 30))
    weight = torch.nn.Parameter(torch.tensor(start, dtype=torch.float32))
    optimiser = FusedRMSprop([weight], settings)
    expected, mean_square = start.copy(), np.zeros_like(start)
    for _ in range(50):
        gradient = rng.normal(size=start.shape) * 0.01
        weight.grad = torch.tensor(gradient, dtype=torch.float32)
        optimiser.step()
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        expected -= 0.01 * gradient / (np.sqrt(mean_square) + 1e-3)
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_rmsprop_equals_torch_at_the_settings_of_the_report():
    settings = REPORT.optimiser
    ours, theirs = (torch.nn.Parameter(torch.ones(300)) for _ in range(2))
    fused = FusedRMSprop([ours], settings)
    plain = torch.optim.RMSprop(
        [theirs], lr=settings.learning_rate, alpha=settings.rho, eps=settings.epsilon
    )
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        ours.grad = torch.randn(300, generator=generator)
        theirs.grad = ours.grad.clone()
        fused.step()
        plain.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_adamw_follows_its_published_rule():
    """Loshchilov & Hutter (2019), algorithm 2; biases are not decayed."""
    network = torch.nn.Linear(3, 2).double()
    settings = AdamW(learning_rate=0.1, weight_decay=0.5, beta1=0.8, beta2=0.9)
    optimiser = make_optimiser(network, settings)
    rng = np.random.default_rng(0)
    for weight, decay in ((network.weight, 0.5), (network.bias, 0.0)):
        value = weight.detach().numpy().copy()
        gradients = rng.standard_normal((5, *weight.shape))
        first = second = np.zeros(weight.shape)
        for step, gradient in enumerate(gradients, 1):
            network.zero_grad()
            weight.grad = torch.from_numpy(gradient)
            optimiser.step()
            value -= 0.1 * decay * value
            first = 0.8 * first + 0.2 * gradient
            second = 0.9 * second + 0.1 * gradient**2
            unbiased = np.sqrt(second / (1 - 0.9**step)) + 1e-8
            value -= 0.1 * first / (1 - 0.8**step) / unbiased
        np.testing.assert_allclose(weight.detach().numpy(), value, rtol=1e-6)


def bring_near_one(values):
    """What three Newton-Schulz iterations do to singular values."""
    values = values / np.linalg.norm(values)
    for _ in range(3):
        values = 3.4445 * values - 4.775 * values**3 + 2.0315 * values**5
    return values


@pytest.mark.parametrize("shape", [(7, 30), (30, 7), (1, 25), (12, 12)])
def test_orthogonalising_changes_singular_values_alone(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    result = orthogonalise(torch.from_numpy(matrix)).numpy()
    np.testing.assert_allclose(result, left * bring_near_one(values) @ right, atol=1e-6)


def test_singular_values_come_near_one_unless_they_are_tiny():
    values = np.geomspace(1 / 60, 1, 500)
    others = np.sqrt(1 - values**2)
    near = np.array(
        [bring_near_one(np.array(pair))[0] for pair in zip(values, others, strict=True)]
    )
    assert near.min() > 0.6
    assert near.max() < 1.25


def test_muon_follows_its_rule_and_keeps_the_norm_of_filters():
    settings = Muon(AdamW(learning_rate=0.1, weight_decay=0.5), stride=0.2, momentum=0.8)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(2, 2)).double()
    twin = torch.nn.Linear(2, 2).double()
    twin.load_state_dict(network[1].state_dict())
    optimiser, adamw = make_optimiser(network, settings), make_optimiser(twin, settings.rest)
    rng = np.random.default_rng(0)
    weight = network[0].weight.detach().numpy().reshape(4, 27).copy()
    norm, momentum = np.linalg.norm(weight), np.zeros((4, 27))
    for rate in (0.1, 0.05, 0.02):
        for group in (*optimiser.param_groups, *adamw.param_groups):
            group["lr"] = rate
        for tensor in network.parameters():
            tensor.grad = torch.from_numpy(rng.standard_normal(tensor.shape))
        for ours, theirs in zip(network[1].parameters(), twin.parameters(), strict=True):
            theirs.grad = ours.grad.clone()
        gradient = network[0].weight.grad.numpy().reshape(4, 27)
        optimiser.step()
        adamw.step()
        momentum = 0.8 * momentum + gradient
        left, values, right = np.linalg.svd(gradient + 0.8 * momentum, full_matrices=False)
        update = left * bring_near_one(values) @ right
        weight -= 0.2 * rate / 0.1 * norm * update / np.linalg.norm(update)
        weight *= norm / np.linalg.norm(weight)
    np.testing.assert_allclose(network[0].weight.detach().numpy().reshape(4, 27), weight, rtol=1e-5)
    for ours, theirs in zip(network[1].parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_an_average_forgets_its_start_and_follows_with_its_decay():
    network = create("convnet")
    average = Average(network, decay=0.5)
    weight, mean = next(network.parameters()), next(average.network.parameters())
    start = mean.detach().clone()
    with torch.no_grad():
        weight.add_(1)
    average.update(step=0)  # decay 1/10
    torch.testing.assert_close(mean, start + 0.9)
    average.update(step=1000)
    torch.testing.assert_close(mean, start + 0.95)
