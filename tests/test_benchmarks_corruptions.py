import corruptions
import numpy as np
import pytest


@pytest.fixture(scope="module")
def images():
    """A thick L, which is the same neither turned nor mirrored, in several greys."""
    made = np.zeros((40, 28, 28), np.uint8)
    made[:, 5:23, 9:13] = np.linspace(150, 255, 40, dtype=np.uint8)[:, None, None]
    made[:, 19:23, 9:20] = made[:, 10:11, 10:11]
    return made


def corrupt(name, images, seed=0):
    return corruptions.corrupt(name, images, np.random.default_rng(seed))


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_a_corruption_changes_every_image_and_repeats_by_its_seed(name, images):
    spoilt = corrupt(name, images)
    assert spoilt.dtype == np.uint8
    assert spoilt.shape == images.shape
    assert (spoilt != images).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(spoilt, corrupt(name, images))


def test_there_are_the_fifteen_of_the_paper():
    assert len(corruptions.CORRUPTIONS) == 15


def test_shot_noise_counts_photons():
    spoilt = corrupt("shot_noise", np.full((1, 28, 28), 255, np.uint8))
    assert set(np.unique(spoilt)) <= {0, 85, 170, 255}
    assert np.mean(spoilt == 0) == pytest.approx(np.exp(-3), abs=0.03)


def test_impulse_noise_hits_a_sixth_of_the_pixels_half_of_them_white():
    spoilt = corrupt("impulse_noise", np.full((20, 28, 28), 100, np.uint8))
    assert np.mean(spoilt == 255) == pytest.approx(0.085, abs=0.01)
    assert np.mean(spoilt == 0) == pytest.approx(0.085, abs=0.01)
    assert np.mean(spoilt == 100) == pytest.approx(0.83, abs=0.01)


def test_brightness_and_stripe_are_arithmetic(images):
    bright = corrupt("brightness", images)
    np.testing.assert_allclose(bright, np.minimum(images + 127.5, 255), atol=0.5)
    striped = corrupt("stripe", images)
    np.testing.assert_array_equal(striped[:, :, 7:21], images[:, :, 7:21])
    np.testing.assert_array_equal(striped[:, :, :7], 255 - images[:, :, :7])
    np.testing.assert_array_equal(striped[:, :, 21:], 255 - images[:, :, 21:])


def test_translation_is_by_three_pixels_each_way(images):
    shifts = set()
    for before, after in zip(images, corrupt("translate", images), strict=True):
        fits = [
            (down, right)
            for down in (-3, 3)
            for right in (-3, 3)
            if np.array_equal(after, np.roll(before, (down, right), (0, 1)))
        ]
        assert len(fits) == 1
        shifts |= set(fits)
    assert len(shifts) == 4


def test_rotation_turns_by_two_fifths_of_a_radian_either_way():
    bar = np.zeros((30, 28, 28), np.uint8)
    bar[:, 4:24, 13:15] = 255
    rows, columns = np.mgrid[:28, :28] - 13.5
    ink = corrupt("rotate", bar).astype(float)
    tilt = (ink * rows * columns).sum((1, 2)) / (ink * rows**2).sum((1, 2))
    angle = np.arctan(tilt)
    np.testing.assert_allclose(np.abs(angle), 0.4, atol=0.03)
    assert 0 < np.mean(angle > 0) < 1


def test_scale_shrinks_to_seven_tenths(images):
    whole = np.zeros((1, 28, 28), np.uint8)
    whole[0, 4:24, 4:24] = 255
    assert corrupt("scale", whole).mean() / whole.mean() == pytest.approx(0.49, abs=0.01)


def test_shear_leans_and_lowers():
    whole = np.zeros((10, 28, 28), np.uint8)
    whole[:, 9:19, 12:16] = 255
    spoilt = corrupt("shear", whole)
    heights = spoilt.max(axis=2).astype(float).sum(axis=1) / 255
    np.testing.assert_allclose(heights, 10 / np.cos(0.4), atol=0.6)


def test_motion_blur_smears_a_dot_sideways_by_up_to_half_a_gaussian():
    dot = np.zeros((20, 28, 28), np.uint8)
    dot[:, 14, 14] = 255
    smeared = corrupt("motion_blur", dot)
    assert not smeared[:, :, 15:].any()  # a smear to one side only
    assert (smeared.sum(axis=(1, 2)) > 240).all()
    assert (np.count_nonzero(smeared, axis=(1, 2)) > 5).all()


def test_glass_blur_keeps_the_light(images):
    spoilt = corrupt("glass_blur", images)
    np.testing.assert_allclose(spoilt.mean((1, 2)), images.mean((1, 2)), rtol=0.02)


def test_fog_is_no_brighter_than_the_digit_and_never_even(images):
    foggy = corrupt("fog", images)
    assert (foggy.max((1, 2)) <= images.max((1, 2))).all()
    assert (foggy.std((1, 2)) > 2).all()


def test_mud_is_dark_grey_and_hides_the_ink():
    spoilt = corrupt("spatter", np.full((20, 28, 28), 255, np.uint8))
    assert spoilt.min() == pytest.approx(63, abs=12)
    assert 0.02 < np.mean(spoilt < 100) < 0.6


def test_a_dotted_line_is_drawn_in_two_columns_of_four():
    line = corrupt("dotted_line", np.zeros((50, 28, 28), np.uint8))
    columns = line.max(axis=(0, 1)) > 0
    np.testing.assert_array_equal(columns[:27], (np.arange(28) % 4 >= 2)[:27])


def test_a_saw_goes_from_end_to_end_with_equal_teeth():
    corners = corruptions.saw(10, 10)
    np.testing.assert_allclose(corners[0], [2, 10])
    np.testing.assert_allclose(corners[-1, 0], 25)
    np.testing.assert_allclose(np.abs(corners[1:-1, 1] - 10), 2)
    line = corruptions.segment(4, 10, 20, 10)
    assert line[10, 4:20].min() == 1
    assert not line[:, :4].any()
    assert not line[:, 20:].any()


def test_edges_are_thin_outlines_of_each_image_by_itself():
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, 8:20, 8:20] = 255
    edges = corrupt("canny_edges", images)
    assert not edges[0].any()
    assert not edges[2].any()
    assert set(np.unique(edges)) == {0, 255}
    assert not edges[1, 11:17, 11:17].any()
    assert not edges[1, :6].any()
    across = np.count_nonzero(edges[1, 14])
    assert 2 <= across <= 4  # one or two pixels a side
