import numpy as np
import pytest
import scipy.ndimage
import torch

from inkdigits.training import wild
from inkdigits.training.outliers import draw_backgrounds

STILL = {"rotation": 0, "slant": 0, "zoom": 0, "aspect": 0, "shift": 0, "bend": 0}


@pytest.fixture
def images():
    """Bars of several widths."""
    bars = torch.zeros(64, 28, 28)
    for wide, bar in enumerate(bars):
        bar[4:24, 10 : 12 + wide % 8] = 255
    return bars


@pytest.fixture(scope="module")
def backgrounds():
    return torch.from_numpy(draw_backgrounds(40, np.random.default_rng(0)))


def test_variation_keeps_form_and_range_and_its_input(images, backgrounds):
    given = images.to(torch.uint8)
    varied = wild.vary(given, backgrounds)
    assert varied.shape == given.shape
    assert varied.dtype == torch.float32
    assert varied.min() >= 0
    assert varied.max() <= 255
    assert torch.equal(given.float(), images)
    assert wild.vary(given[:0], backgrounds).shape == (0, 28, 28)


def test_a_seed_repeats_the_variation(images, backgrounds):
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        results.append(wild.vary(images, backgrounds))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_backgrounds_vary_and_are_images():
    grounds = draw_backgrounds(41, np.random.default_rng(1))
    assert grounds.shape == (41, 28, 28)
    assert grounds.dtype == np.uint8
    assert len({ground.tobytes() for ground in grounds}) > 30


def test_a_warp_without_bounds_changes_nothing(images):
    torch.testing.assert_close(wild.warp(images, **STILL), images, atol=1e-2, rtol=0)


def moments(images):
    """The centre (row, column) and the covariance of each image's ink."""
    ink = images.double() / images.double().sum((1, 2), keepdim=True)
    places = torch.stack(torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij"), -1)
    centre = torch.einsum("nrc,rcd->nd", ink, places.double())
    apart = places[None] - centre[:, None, None]
    return centre, torch.einsum("nrc,nrcd,nrce->nde", ink, apart, apart)


@pytest.mark.parametrize("bound", ["rotation", "slant", "zoom", "aspect", "shift", "bend"])
def test_each_bound_of_a_warp_does_what_it_says(images, bound):
    torch.manual_seed(0)
    blob = torch.zeros(400, 28, 28)
    blob[:, 9:19, 12:16] = 255
    strength = {"rotation": 30, "slant": 0.4, "zoom": 0.3, "aspect": 0.2, "shift": 4, "bend": 1}
    centre, spread = moments(wild.warp(blob, **{**STILL, bound: strength[bound]}))
    centre_before, spread_before = moments(blob)
    moved = (centre - centre_before).abs().max()
    area = spread.det() / spread_before.det()
    if bound == "shift":
        assert 3 < moved <= 4.01
    elif bound != "bend":
        assert moved < 0.05
    if bound in ("rotation", "aspect", "slant"):
        assert (area.mean() - 1).abs() < 0.2  # reading between pixels blurs a little
    if bound == "zoom":  # an area of ink squared
        assert area.max() > 2
        assert area.min() < 0.5
    if bound in ("rotation", "slant"):
        tilt = spread[:, 0, 1] / spread[:, 0, 0]
        assert tilt.max() > 0.2
        assert tilt.min() < -0.2
    if bound == "bend":
        assert 0.1 < moved < 4


def test_pens_are_grey_dilation_and_erosion(images, monkeypatch):
    monkeypatch.setattr(wild, "_each", lambda x: torch.ones(len(x), 1, 1))
    picture = torch.rand(3, 28, 28) * 255
    widest = scipy.ndimage.grey_dilation(picture.numpy(), (1, 3, 3), mode="nearest")
    finest = scipy.ndimage.grey_erosion(picture.numpy(), (1, 3, 3), mode="nearest")
    np.testing.assert_array_equal(wild.thicken(picture), widest)
    gain = picture.numpy().max((1, 2)) / np.maximum(finest.max((1, 2)), 1)
    slim = finest * np.minimum(gain, 4)[:, None, None]
    np.testing.assert_allclose(wild.thin(picture), slim, rtol=1e-5)
    outline = wild.hollow(images[7:8])
    assert not outline[0, 8:20, 12:16].any()  # inside the bar
    assert outline[0, 14, 9] == 255


def test_grounds_are_laid_under_through_and_into_the_negative(images):
    black, white = torch.zeros_like(images), torch.full_like(images, 255)
    assert torch.equal(wild.lay_on(images, black), images)
    assert (wild.lay_on(images, white) >= images).all()
    negative = wild.invert_by(images, white)
    assert ((negative == images) | (negative == 255 - images)).all()
    share = (negative != images).float().mean((1, 2))
    assert share.max() == 1  # by the background
    assert ((share > 0.1) & (share < 0.9)).float().mean() > 0.2  # by a band
    foggy = wild.shine_through(images, white)
    assert (foggy.amax((1, 2)) == 255).all()
    contrast = foggy.amax((1, 2)) - foggy.amin((1, 2))
    assert contrast.min() >= 0.35 * 255 - 0.01


@pytest.mark.parametrize("fault", [wild.blur, wild.light, wild.grain, wild.uneven_ink, wild.specks])
def test_each_fault_leaves_the_digit_to_be_seen(images, fault):
    torch.manual_seed(0)
    spoilt = fault(images)
    ink, paper = images == 255, images == 0
    assert not torch.equal(spoilt, images)
    assert spoilt[ink].mean() > spoilt[paper].mean() + 60


def test_specks_are_black_and_white_alike(monkeypatch):
    monkeypatch.setattr(wild, "_each", lambda x: torch.ones(len(x), 1, 1))
    torch.manual_seed(0)
    grey = wild.specks(torch.full((100, 28, 28), 100.0))
    assert (grey == 0).float().mean() == pytest.approx(0.1, abs=0.01)
    assert (grey == 255).float().mean() == pytest.approx(0.1, abs=0.01)


def test_each_change_is_for_its_share_of_the_images(images, backgrounds, monkeypatch):
    counts = []

    def count(some, *_):
        counts.append(len(some))
        return some

    monkeypatch.setattr(wild, "CHANGES", ((count, 0.15), (count, 0)))
    monkeypatch.setattr(wild, "GROUNDS", ((count, 0.5),))
    monkeypatch.setattr(wild, "FAULTS", ((count, 1.0),))
    many = images[:1].expand(40, -1, -1)
    wild.vary(many, backgrounds)
    assert counts == [6, 0, 20, 40]


def test_what_a_change_is_for_is_chosen_at_random(images):
    chosen = [
        tuple(sorted(places.tolist()))
        for _ in range(20)
        for _, places in wild._choose(images[:1].expand(40, -1, -1), ((wild.blur, 0.1),) * 2)
    ]
    assert {len(set(places)) for places in chosen} == {4}
    assert len(set(chosen)) > 35
