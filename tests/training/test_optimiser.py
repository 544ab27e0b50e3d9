import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkdigits.training.optimiser import FusedRMSprop
from inkdigits.training.recipe import REPORT, RMSprop
from inkdigits.training.schedule import Annealer


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


def keras_plateau(accuracies, rate, factor, patience, floor, min_delta=1e-4):
    """The published rule of ReduceLROnPlateau (mode max, no cooldown), rate after each epoch."""
    best, wait, rates = -np.inf, 0, []
    for accuracy in accuracies:
        if accuracy - min_delta > best:
            best, wait = accuracy, 0
        else:
            wait += 1
            if wait >= patience and rate > floor:
                rate, wait = max(rate * factor, floor), 0
        rates.append(rate)
    return rates


@given(st.lists(st.integers(0, 40), max_size=80))
def test_annealer_follows_its_published_rule(hundredths):
    accuracies = [0.95 + h / 1000 for h in hundredths]
    annealer = Annealer(1e-3)
    rates = []
    for accuracy in accuracies:
        annealer.step(REPORT.schedule, accuracy)
        rates.append(annealer.learning_rate)
    assert rates == keras_plateau(accuracies, 1e-3, 0.5, 3, 1e-5)


def test_annealer_halves_after_three_epochs_without_gain_and_stops_at_its_floor():
    annealer = Annealer(1e-3)
    for accuracy in [0.9, 0.9, 0.9, 0.9]:
        annealer.step(REPORT.schedule, accuracy)
    assert annealer.learning_rate == 5e-4
    for _ in range(100):
        annealer.step(REPORT.schedule, 0.9)
    assert annealer.learning_rate == 1e-5
