import numpy as np
import torch
from torch import nn

from inkdigits.images import SIZE
from inkdigits.models import create
from inkdigits.models.moved import MOVES, Moved
from inkdigits.training.export import export_reader


class Corner(nn.Module):
    """Ten logits, each the value of one pixel."""

    def forward(self, images):
        return images[:, 5, :10]


def moved_by_hand(image, down, right):
    result = np.zeros_like(image)
    rows, columns = np.nonzero(image)
    for row, column in zip(rows, columns, strict=True):
        to = row + down, column + right
        if min(to) >= 0 and max(to) < SIZE:
            result[to] = image[row, column]
    return result


def test_a_pixel_is_seen_at_five_places():
    images = torch.zeros(2, SIZE, SIZE, dtype=torch.uint8)
    images[1, 5, 4] = 250
    assert torch.equal(Moved(Corner())(images)[0], torch.zeros(10))
    # Moved up or down, the pixel leaves the row that is looked at.
    assert Moved(Corner())(images)[1].tolist() == [0, 0, 0, 50, 50, 50, 0, 0, 0, 0]


def test_it_is_the_mean_over_images_moved_by_hand():
    torch.manual_seed(0)
    network = create("convnet_tiny").eval()
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE), dtype=np.uint8)
    with torch.no_grad():
        expected = torch.stack(
            [
                network(torch.from_numpy(np.stack([moved_by_hand(i, *move) for i in images])))
                for move in MOVES
            ]
        ).mean(0)
        given = Moved(network)(torch.from_numpy(images))
    assert torch.allclose(given, expected, atol=1e-5)


def test_it_is_exported_for_any_number_of_images(tmp_path):
    torch.manual_seed(0)
    network = Moved(create("convnet_tiny"))
    # Compares batches of several sizes with the network itself.
    export_reader(
        network,
        tmp_path / "reader.onnx",
        temperature=1.0,
        threshold=0.5,
        recipe={},
        provenance={},
    )
