import torch
from hypothesis import given
from hypothesis import strategies as st

from inkdigits.models import create
from inkdigits.models.pooling import FractionalMaxPool
from inkdigits.models.summary import layer_table


@given(st.data())
def test_every_region_is_two_or_three_wide_and_they_cover_the_map(data):
    side_out = data.draw(st.integers(1, 20))
    side_in = data.draw(st.integers(side_out + 1, 2 * side_out + 1))
    layer = FractionalMaxPool(side_in, side_out)
    layer.train(data.draw(st.booleans()))
    regions = layer._regions(torch.empty(0)).view(side_out, 3)
    widths = regions[:, 2] - regions[:, 0] + 1
    assert widths.min() >= 2
    assert widths.max() <= 3
    assert regions[0, 0] == 0
    assert regions[-1, 2] == side_in - 1
    assert torch.equal(regions[1:, 0], regions[:-1, 2])  # they overlap by one pixel


def test_each_output_is_the_maximum_of_its_region():
    layer = FractionalMaxPool(7, 5).eval()
    x = torch.randn(3, 2, 7, 7)
    y = layer(x)
    bounds = [(int(r[0]), int(r[2]) + 1) for r in layer._regions(x).view(5, 3)]
    for i, (top, bottom) in enumerate(bounds):
        for j, (left, right) in enumerate(bounds):
            assert torch.equal(y[:, :, i, j], x[:, :, top:bottom, left:right].amax((2, 3)))


def test_regions_are_drawn_anew_while_training_only():
    layer = FractionalMaxPool(28, 20)
    torch.manual_seed(0)
    x = torch.randn(1, 1, 28, 28)
    assert len({tuple(layer(x).flatten().tolist()) for _ in range(20)}) > 5
    layer.eval()
    assert len({tuple(layer(x).flatten().tolist()) for _ in range(5)}) == 1


def test_average_pooling_comes_after_the_relu():
    network = create("report_cnn_average").eval()
    convolution, relu, pool = list(network.body)[:3]
    x = torch.randn(2, 1, 28, 28)
    wanted = torch.nn.functional.avg_pool2d(convolution(x).relu(), 2)
    assert torch.equal(pool(relu(convolution(x))), wanted)


def test_fractional_pooling_shrinks_by_the_root_of_two():
    shapes = [row.shape for row in layer_table("report_cnn_fractional").layers]
    assert (20, 20, 32) in shapes
    assert (14, 14, 64) in shapes
