import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkdigits.training.augmentation import augment, draw
from inkdigits.training.recipe import REPORT, Affine


def by_scipy(image, angle, down, right, zoom_rows, zoom_columns):
    """Keras's ImageDataGenerator, from its definition: rotation · shift · zoom about the centre."""
    rotation = np.array(
        [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]]
    )
    shift = np.array([[1, 0, down], [0, 1, right], [0, 0, 1]])
    zoom = np.diag([zoom_rows, zoom_columns, 1])
    to_centre = np.array([[1, 0, 13.5], [0, 1, 13.5], [0, 0, 1]])
    matrix = to_centre @ rotation @ shift @ zoom @ np.linalg.inv(to_centre)
    return scipy.ndimage.affine_transform(
        image.astype(np.float64), matrix[:2, :2], matrix[:2, 2], order=1, mode="nearest"
    )


def test_equals_scipy_on_the_draws_of_the_report():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 28, 28), dtype=np.uint8)
    draws = draw(REPORT.augmentation, len(images), rng)
    ours = augment(torch.from_numpy(images), torch.from_numpy(draws)).numpy()
    theirs = np.stack([by_scipy(i, *d.astype(float)) for i, d in zip(images, draws, strict=True)])
    np.testing.assert_allclose(ours, theirs, atol=0.02)  # of 255


@settings(max_examples=50)
@given(
    st.floats(-0.6, 0.6),
    st.floats(-9, 9),
    st.floats(-9, 9),
    st.floats(0.5, 1.5),
    st.floats(0.5, 1.5),
)
def test_equals_scipy_on_any_draw(angle, down, right, zoom_rows, zoom_columns):
    image = np.random.default_rng(1).integers(0, 256, (28, 28), dtype=np.uint8)
    given_draw = [angle, down, right, zoom_rows, zoom_columns]
    ours = augment(torch.from_numpy(image)[None], torch.tensor([given_draw]))[0].numpy()
    np.testing.assert_allclose(ours, by_scipy(image, *given_draw), atol=0.05)


def test_no_change_gives_the_image_back():
    image = torch.randint(0, 256, (1, 28, 28), dtype=torch.uint8)
    same = augment(image, torch.tensor([[0.0, 0, 0, 1, 1]]))
    torch.testing.assert_close(same, image.float(), atol=1e-3, rtol=0)


def test_draws_fill_the_ranges_of_the_report_and_nothing_else():
    draws = draw(REPORT.augmentation, 20_000, np.random.default_rng(3))
    bound = np.array([math.radians(15), 4.2, 4.2, 0.15, 0.15])
    middle = np.array([0, 0, 0, 1, 1])
    relative = (draws - middle) / bound
    assert np.abs(relative).max() <= 1 + 1e-6
    np.testing.assert_allclose(relative.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(relative.var(axis=0), 1 / 3, atol=0.02)  # a uniform one
    correlation = np.corrcoef(relative.T) - np.eye(5)
    assert np.abs(correlation).max() < 0.03  # zoom of rows and of columns, and all else, apart


@pytest.mark.parametrize("count", [0, 1])
def test_no_augmentation_draws_nothing(count):
    draws = draw(Affine(0, 0, 0), count, np.random.default_rng(0))
    np.testing.assert_array_equal(draws, np.tile(np.float32([0, 0, 0, 1, 1]), (count, 1)))
