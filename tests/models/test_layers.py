import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import dropout

from inkdigits.models.first_stage import first_stage
from inkdigits.models.kernels import part_of_batch
from inkdigits.models.layers import CoveringConv2d, Dropout, Flatten, MaxPoolReLU, drop_by_torch
from inkdigits.models.report_cnn import ReportCNN


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


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_covering_convolution_equals_torchs(bias, layout):
    torch.manual_seed(5)
    ours = CoveringConv2d(6, 9, 3, bias=bias).to(memory_format=layout)
    theirs = torch.nn.Conv2d(6, 9, 3, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    x, found = torch.randn(4, 6, 3, 3), []
    for layer in (ours, theirs):
        leaf = x.clone(memory_format=layout).requires_grad_()
        out = layer(leaf)
        out.square().sum().backward()
        found.append((out, leaf.grad, *(parameter.grad for parameter in layer.parameters())))
    for mine, others in zip(*found, strict=True):
        torch.testing.assert_close(mine, others, rtol=1e-4, atol=1e-4)


def pooled_twice(x, gradient):
    """Outputs and input gradients of our layer and of torch's own."""
    found = []
    for pool in (MaxPoolReLU(), lambda x: torch.nn.functional.max_pool2d(x, 2).relu()):
        leaf = x.clone(memory_format=torch.channels_last).requires_grad_()
        out = pool(leaf)
        out.backward(gradient)
        found.append((out, leaf.grad))
    return found


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("height", "width"), [(28, 28), (7, 7), (5, 8), (2, 3)])
def test_pooling_by_bits_equals_torch(dtype, height, width):
    generator = torch.Generator().manual_seed(0)
    size = 4 * 6 * height * width
    values = torch.arange(-size // 2, size - size // 2)[torch.randperm(size, generator=generator)]
    x = values.float().view(4, 6, height, width).to(dtype)
    if dtype == torch.bfloat16:  # it cannot tell so many numbers apart, so these may tie
        x = x.view(torch.int16).copy_(values.view_as(x)).view(dtype).nan_to_num()
    gradient = torch.randn(4, 6, height // 2, width // 2, generator=generator).to(dtype)
    (ours, our_gradient), (theirs, their_gradient) = pooled_twice(x, gradient)
    assert torch.equal(ours, theirs)
    assert torch.equal(our_gradient, their_gradient)


def test_of_equal_values_one_gets_the_gradient():
    x = torch.randint(-2, 3, (8, 5, 14, 14), generator=torch.Generator().manual_seed(1)).float()
    gradient = torch.rand(8, 5, 7, 7) + 0.1
    (ours, our_gradient), (theirs, their_gradient) = pooled_twice(x, gradient)
    assert torch.equal(ours, theirs)
    windows = our_gradient.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    assert (windows != 0).sum(-1).max() == 1
    assert torch.equal(windows.sum(-1), torch.where(theirs > 0, gradient, 0))
    torch.testing.assert_close((x * our_gradient).sum(), (x * their_gradient).sum())


def test_pooling_without_training_is_torchs_own():
    x = torch.randn(2, 3, 9, 9)
    assert torch.equal(MaxPoolReLU().eval()(x), torch.nn.functional.max_pool2d(x, 2).relu())


def first_layers(p):
    torch.manual_seed(3)
    convolution = torch.nn.Conv2d(1, 32, 3, padding="same")
    plain = torch.nn.Sequential(convolution, torch.nn.MaxPool2d(2), torch.nn.ReLU())
    return convolution, plain, torch.rand(6, 1, 28, 28), p


def test_the_first_stage_in_one_pass_equals_its_layers():
    convolution, plain, x, p = first_layers(0.0)
    gradient = torch.randn(6, 32, 14, 14)
    found = []
    for stage in (lambda x: first_stage(x, convolution, p), plain):
        convolution.zero_grad()
        out = stage(x)
        out.backward(gradient)
        found.append((out.detach(), convolution.weight.grad.clone(), convolution.bias.grad.clone()))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_the_first_stage_drops_its_share_and_its_gradient_alike():
    convolution, plain, x, p = first_layers(0.25)
    convolution.bias.data.fill_(5)  # so that nothing but dropout makes a zero
    out = first_stage(x, convolution, p)
    kept = out.detach() != 0
    assert abs(kept.double().mean() - 0.75) < 0.01
    torch.testing.assert_close(out.detach(), torch.where(kept, plain(x).detach() / 0.75, 0))
    out.sum().backward()
    torch.testing.assert_close(convolution.bias.grad, kept.sum((0, 2, 3)) / 0.75)
    assert not torch.equal(first_stage(x, convolution, p), out)


def test_the_first_stage_gives_what_autocast_asks_for():
    convolution, _, x, p = first_layers(0.25)
    with torch.autocast("cpu", torch.bfloat16):
        assert first_stage(x, convolution, p).dtype == torch.bfloat16


def test_pooling_drops_its_share_and_its_gradient_alike():
    torch.manual_seed(4)
    x = torch.rand(8, 16, 14, 14).add(0.1).contiguous(memory_format=torch.channels_last)
    out = MaxPoolReLU()(x.requires_grad_(), 0.25)
    kept = out.detach() != 0
    assert abs(kept.double().mean() - 0.75) < 0.02
    whole = torch.nn.functional.max_pool2d(x.detach(), 2)
    torch.testing.assert_close(out.detach(), torch.where(kept, whole / 0.75, 0))
    out.sum().backward()
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(x.grad, 2) * 4, kept / 0.75)


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        (lambda: Dropout(0.5), (9, 4, 6, 6)),
        (lambda: Dropout(0.5), (9, 40)),
        (lambda: ReportCNN(), (9, 1, 28, 28)),
        (lambda: ReportCNN(pooling="fractional"), (9, 1, 28, 28)),
    ],
    ids=["maps", "rows", "report_cnn", "report_cnn_fractional"],
)
def test_a_part_of_a_batch_is_dropped_as_in_the_whole(layers, shape):
    layer, x = layers().train(), torch.rand(shape)
    if x.ndim == 4:
        x = x.contiguous(memory_format=torch.channels_last)

    def run(first, last):
        torch.manual_seed(3)
        with part_of_batch(first, len(x)):
            return layer(x[first:last])

    parts = torch.cat([run(0, 4), run(4, 4), run(4, 9)])
    torch.manual_seed(3)
    torch.testing.assert_close(parts, layer(x))


@pytest.mark.parametrize("shape", [(9, 4, 6, 6), (9, 40)])
def test_torchs_dropout_of_a_part_is_that_of_the_whole(shape):
    x = torch.rand(shape)
    torch.manual_seed(3)
    whole = dropout(x, 0.5)
    torch.manual_seed(3)
    with part_of_batch(4, 9):
        torch.testing.assert_close(drop_by_torch(x[4:], 0.5), whole[4:])


@pytest.mark.parametrize("threads", ["1", "2"])
def test_kernels_leave_torch_its_number_of_threads(threads):
    program = """
import torch
from inkdigits.models.layers import MaxPoolReLU
before = torch.get_num_threads()
MaxPoolReLU()(torch.zeros(2, 4, 6, 6).contiguous(memory_format=torch.channels_last))
print(before, torch.get_num_threads())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"OMP_NUM_THREADS": threads},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [threads, threads]
