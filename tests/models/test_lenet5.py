import torch
import torch.nn.functional as F

from inkdigits.models.geometry import DIGITS, LENET
from inkdigits.models.lenet5 import (
    C3_INPUTS,
    Distance,
    LeNet51998,
    PartialConvolution,
    SubSampling,
    squash,
)

# Table I of the paper: a row for each map of S2, a column for each map of C3.
TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""


def test_c3_is_connected_as_table_1_says():
    rows = TABLE_I.split()
    for column, inputs in enumerate(C3_INPUTS):
        assert sorted(inputs) == [i for i in range(6) if rows[i][column] == "X"]


def test_c3_is_a_convolution_that_sees_only_its_inputs():
    layer = PartialConvolution()
    assert sum(p.numel() for p in layer.parameters()) == 1516
    x = torch.randn(2, 6, 14, 14)
    y = layer(x)
    number = 0
    for output, inputs in enumerate(C3_INPUTS):
        kernels = layer.kernels[number : number + len(inputs)]
        wanted = F.conv2d(x[:, list(inputs)], kernels[None]) + layer.bias[output]
        torch.testing.assert_close(y[:, output], wanted[:, 0], rtol=1e-4, atol=1e-5)
        number += len(inputs)


def test_sub_sampling_adds_four_pixels_and_is_trained():
    layer = SubSampling(2)
    with torch.no_grad():
        layer.coefficient.copy_(torch.tensor([1.0, 2.0]))
        layer.bias.copy_(torch.tensor([0.5, 0.0]))
    x = torch.arange(8.0).view(1, 2, 2, 2)
    assert layer(x).flatten().tolist() == [0 + 1 + 2 + 3 + 0.5, 2 * (4 + 5 + 6 + 7)]


def test_squashing_keeps_one():
    torch.testing.assert_close(squash(torch.tensor([1.0, -1.0])), torch.tensor([1.0, -1.0]))


def test_an_output_is_highest_at_its_own_code():
    layer = Distance()
    assert layer.codes.shape == (10, 84)
    assert layer.codes.abs().eq(1).all()
    logits = layer(layer.codes)
    assert logits.diagonal().tolist() == [0.0] * 10
    others = logits[~torch.eye(10, dtype=torch.bool)]
    assert others.max() <= -4 * 4  # any two codes differ in four pixels at least


def test_the_border_makes_28_the_papers_32():
    torch.manual_seed(0)
    small = LeNet51998(DIGITS, 1).eval()
    large = LeNet51998(LENET, 1).eval()
    large.load_state_dict(small.state_dict())
    images = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(small(images), large(F.pad(images, (2, 2, 2, 2))))
