import numpy as np

from inkdigits.data import load
from inkdigits.reading import Reader
from inkdigits.training.photographs import photograph


def test_photographed_digits_are_still_those_digits():
    digits = load("mnist").test.take(np.arange(100))
    photographs = photograph(digits.images, np.random.default_rng(0))
    assert photographs.shape == digits.images.shape
    assert photographs.dtype == np.uint8
    assert not (photographs == digits.images).all((1, 2)).any()
    assert (Reader().predict(photographs) == digits.labels).mean() >= 0.96
    # Each in its place: most are more like their own digit than like any other.
    flat, own = (a.reshape(100, -1) / 255 for a in (photographs, digits.images))
    assert (np.corrcoef(flat, own)[:100, 100:].argmax(1) == np.arange(100)).mean() >= 0.8


def test_the_same_draws_give_the_same_photographs():
    images = load("mnist").test.images[:40]
    first, again, other = (photograph(images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_what_cannot_be_found_on_the_photo_stays():
    images = load("mnist").test.images[:3].copy()
    images[1] = 0
    images[1, 14, 14] = 9
    photographs = photograph(images, np.random.default_rng(0))
    np.testing.assert_array_equal(photographs[1], images[1])


def test_no_images_make_no_photographs():
    assert photograph(np.zeros((0, 28, 28), np.uint8), np.random.default_rng(0)).shape[0] == 0
