import numpy as np
import pytest

from inkdigits.images import check_images
from inkdigits.training.forms import FORMS, draw_forms


@pytest.fixture(scope="module")
def drawn():
    return draw_forms(1_000, np.random.default_rng(0))


def test_forms_are_digit_images_with_labels(drawn):
    images, labels = drawn
    assert check_images(images).shape == (1_000, 28, 28)
    assert images.reshape(1_000, -1).max(axis=1).min() > 120
    counts = np.bincount(labels, minlength=10)
    assert len(counts) == len(FORMS) == 10
    assert counts.min() > 60


def test_a_seed_draws_the_same_forms(drawn):
    images, labels = draw_forms(1_000, np.random.default_rng(0))
    np.testing.assert_array_equal(images, drawn[0])
    np.testing.assert_array_equal(labels, drawn[1])
    assert len({image.tobytes() for image in images}) > 900


def test_the_label_tells_the_shape(drawn):
    """Half of the forms, by the mean of each digit, tell the other half apart."""
    images, labels = drawn
    means = np.stack([images[:500][labels[:500] == digit].mean(axis=0) for digit in range(10)])
    away = ((images[500:, None].astype(float) - means) ** 2).sum(axis=(2, 3))
    assert (away.argmin(axis=1) == labels[500:]).mean() > 0.6


def test_none_may_be_asked_for():
    images, labels = draw_forms(0, np.random.default_rng(0))
    assert images.shape == (0, 28, 28)
    assert labels.shape == (0,)
