"""What is drawn before a training begins."""

from dataclasses import replace

import pytest
import torch

from inkdigits.training.pool import draw_pool, on_device
from inkdigits.training.recipe import REPORT, WILD

CPU = torch.device("cpu")


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr("inkdigits.training.pool._OUTLIERS", 20)
    monkeypatch.setattr("inkdigits.training.pool._BACKGROUNDS", 10)


def test_without_a_wild_part_it_is_the_images_as_they_are(strokes):
    pool = draw_pool(strokes, REPORT, 0, CPU)
    images, labels = on_device(strokes, CPU)
    assert torch.equal(pool.images, images)
    assert torch.equal(pool.labels, labels)
    assert len(pool.outliers) == len(pool.backgrounds) == 0


def test_a_wild_part_adds_photographs_forms_and_what_is_no_digit(strokes, few):
    assert WILD.wild is not None
    recipe = replace(WILD, wild=replace(WILD.wild, photographs=0.1, forms=0.05))
    pool = draw_pool(strokes, recipe, 0, CPU)
    count = len(strokes)
    assert len(pool.images) == len(pool.labels) == count + round(0.1 * count) + round(0.05 * count)
    assert torch.equal(pool.images[:count], torch.from_numpy(strokes.images))
    assert pool.images.dtype == pool.outliers.dtype == pool.backgrounds.dtype == torch.uint8
    assert (len(pool.outliers), len(pool.backgrounds)) == (20, 10)
    again, other = (draw_pool(strokes, recipe, seed, CPU) for seed in (0, 1))
    assert torch.equal(again.images, pool.images)
    assert not torch.equal(other.images, pool.images)
