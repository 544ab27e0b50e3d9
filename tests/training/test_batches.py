"""What an epoch draws."""

import numpy as np
import pytest
import torch

from inkdigits.training.batches import Epoch, count_batches, make_batch
from inkdigits.training.loop import find_targets
from inkdigits.training.pool import Pool
from inkdigits.training.processes import Processes
from inkdigits.training.recipe import BEST, REPORT, WILD

ALONE = Processes(0, 1, torch.device("cpu"))


def batches_of(pool, recipe, seed, number, processes=ALONE):
    epoch = Epoch(pool, recipe, seed, number)
    return [
        make_batch(pool, recipe, epoch.drawn(index), processes) for index in range(epoch.batches)
    ]


@pytest.fixture
def pool():
    """Images whose value is their number, outliers of 200, plain backgrounds."""
    images = torch.arange(150, dtype=torch.uint8)[:, None, None].expand(150, 28, 28)
    outliers = torch.full((7, 28, 28), 200, dtype=torch.uint8)
    return Pool(images, torch.arange(150), outliers, torch.zeros(3, 28, 28, dtype=torch.uint8))


def test_an_epoch_shows_each_image_once(pool):
    batches = batches_of(pool, REPORT, 0, 0)
    assert [len(batch.labels) for batch in batches] == [128, 22]
    labels = torch.cat([batch.labels for batch in batches])
    assert sorted(labels.tolist()) == list(range(150))
    images = torch.cat([batch.images for batch in batches])  # even images, so nothing changes them
    torch.testing.assert_close(images.amax((1, 2)), labels.float())


def test_an_epoch_among_some_shows_each_of_them_once(pool):
    among = torch.tensor([3, 149, 60])
    epoch = Epoch(pool, REPORT, 0, 1, among)
    batch = make_batch(pool, REPORT, epoch.drawn(0), ALONE)
    assert (epoch.images, epoch.batches) == (3, 1)
    assert sorted(batch.labels.tolist()) == [3, 60, 149]
    torch.testing.assert_close(batch.images.amax((1, 2)), batch.labels.float())
    assert torch.equal(batch.chosen, batch.labels)


def test_epochs_and_seeds_differ_and_repeat(pool):
    first, again, next_epoch, other = (
        batches_of(pool, WILD, seed, number)[0] for seed, number in ((0, 0), (0, 0), (0, 1), (1, 0))
    )
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], next_epoch[1])
    assert not torch.equal(first[1], other[1])


def test_outliers_come_last_and_have_no_label(pool):
    batch = batches_of(pool, WILD, 0, 0)[0]
    assert (len(batch.images), len(batch.labels)) == (154, 128)


def test_without_outliers_every_image_has_its_label(pool):
    digits = Pool(pool.images, pool.labels, pool.outliers[:0], pool.backgrounds)
    batch = batches_of(digits, BEST, 0, 0)[0]
    assert len(batch.images) == len(batch.labels) == 128


@pytest.mark.parametrize("recipe", [REPORT, WILD], ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("count", [2, 3, 30])
def test_the_parts_of_a_batch_are_the_batch(pool, recipe, count):
    for index in range(2):
        whole = batches_of(pool, recipe, 0, 0)[index]
        parts = [
            batches_of(pool, recipe, 0, 0, Processes(rank, count, torch.device("cpu")))[index]
            for rank in range(count)
        ]
        assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
        assert torch.equal(torch.cat([part.labels for part in parts]), whole.labels)
        sizes = [len(part.images) for part in parts]
        assert max(sizes) - min(sizes) <= 1
        assert [part.before for part in parts] == np.cumsum([0, *sizes[:-1]]).tolist()
        assert {part.whole for part in parts} == {len(whole.images)}
        assert {part.labelled for part in parts} == {len(whole.labels)}


@pytest.mark.parametrize(
    ("images", "batches"), [(1, 1), (127, 1), (128, 1), (129, 1), (130, 2), (256, 2), (258, 3)]
)
def test_no_image_is_left_alone(images, batches, pool):
    assert count_batches(images, 128) == batches
    chosen = torch.arange(images) % len(pool.images)
    few = Pool(pool.images[chosen], pool.labels[chosen], pool.outliers, pool.backgrounds)
    assert sum(len(batch.images) for batch in batches_of(few, REPORT, 0, 0)) == len(few.images)


def test_targets_are_labels_and_for_outliers_all_alike():
    labels = torch.tensor([2, 0])
    assert find_targets(labels, 2) is labels
    targets = find_targets(labels, 3).numpy()
    expected = np.zeros((3, 10))
    expected[0, 2] = expected[1, 0] = 1
    expected[2] = 0.1
    np.testing.assert_allclose(targets, expected, rtol=1e-6)
