import numpy as np
import torch

from inkdigits.models import create
from inkdigits.training.optimiser import Average, FusedRMSprop, make_optimiser
from inkdigits.training.recipe import REPORT, AdamW, RMSprop


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
