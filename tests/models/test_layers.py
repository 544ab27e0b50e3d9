import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkdigits.models.layers import Dropout, Flatten


@pytest.mark.parametrize("p", [0.0, 0.1, 0.25, 0.5, 0.75])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_dropout_drops_its_share_and_keeps_the_mean(p, dtype):
    torch.manual_seed(0)
    layer = Dropout(p)
    out = layer(torch.ones(200_000, dtype=dtype))
    assert set(out.unique().tolist()) <= {0.0, torch.tensor(1 / (1 - layer.p), dtype=dtype).item()}
    assert abs((out == 0).double().mean() - p) < 0.005
    assert abs(out.double().mean() - 1) < 0.01


def test_dropout_draws_are_independent_of_their_neighbours():
    torch.manual_seed(1)
    for p in (0.25, 0.5):
        dropped = (Dropout(p)(torch.ones(64, 4096)) == 0).double() - p
        for lag in (1, 2, 8, 512, 1024):
            product = (dropped[:, lag:] * dropped[:, :-lag]).mean() / (p * (1 - p))
            assert abs(product) < 0.01


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_gradient_of_dropout_is_masked_as_its_output(layout):
    x = torch.rand(8, 5, 7, 3).add(0.1).contiguous(memory_format=layout).requires_grad_()
    out = Dropout(0.25)(x)
    out.sum().backward()
    torch.testing.assert_close(x.grad, out.detach() / x.detach())


def test_dropout_changes_nothing_when_not_training():
    x = torch.rand(5, 5)
    assert Dropout(0.5).eval()(x) is x


@given(st.integers(0, 70), st.sampled_from([0.1, 0.25, 0.5]))
def test_dropout_takes_any_size(size, p):
    assert Dropout(p)(torch.ones(size)).shape == (size,)


def test_flatten_orders_values_as_keras_does():
    x = torch.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)
    assert Flatten()(x)[0].tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
