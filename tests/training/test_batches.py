"""What an epoch draws."""

import numpy as np
import pytest
import torch

from inkdigits.training.batches import Epoch, Pool
from inkdigits.training.loop import find_targets
from inkdigits.training.recipe import REPORT, WILD


@pytest.fixture
def pool():
    """Images whose value is their number, outliers of 200, plain backgrounds."""
    images = torch.arange(150, dtype=torch.uint8)[:, None, None].expand(150, 28, 28)
    outliers = torch.full((7, 28, 28), 200, dtype=torch.uint8)
    return Pool(images, torch.arange(150), outliers, torch.zeros(3, 28, 28, dtype=torch.uint8))


def test_an_epoch_shows_each_image_once(pool):
    epoch = Epoch(pool, REPORT, seed=0, number=0)
    batches = [epoch.batch(index) for index in range(epoch.batches)]
    assert [len(labels) for _, labels in batches] == [128, 22]
    labels = torch.cat([labels for _, labels in batches])
    assert sorted(labels.tolist()) == list(range(150))
    images = torch.cat([images for images, _ in batches])  # even images, so nothing changes them
    torch.testing.assert_close(images.amax((1, 2)), labels.float())


def test_epochs_and_seeds_differ_and_repeat(pool):
    first, again, next_epoch, other = (
        Epoch(pool, WILD, seed, number).batch(0)
        for seed, number in ((0, 0), (0, 0), (0, 1), (1, 0))
    )
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], next_epoch[1])
    assert not torch.equal(first[1], other[1])


def test_outliers_come_last_and_have_no_label(pool):
    images, labels = Epoch(pool, WILD, seed=0, number=0).batch(0)
    assert (len(images), len(labels)) == (154, 128)


def test_targets_are_smoothed_labels_and_for_outliers_all_alike():
    labels = torch.tensor([2, 0])
    assert find_targets(labels, 2, smoothing=0) is labels
    targets = find_targets(labels, 3, smoothing=0.1).numpy()
    expected = np.full((3, 10), 0.01)
    expected[0, 2] = expected[1, 0] = 0.91
    expected[2] = 0.1
    np.testing.assert_allclose(targets, expected, rtol=1e-6)
