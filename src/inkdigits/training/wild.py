"""Digits as other hands, other pens, other paper and other light make them, a batch at a time.

Images are float32 (N, 28, 28), 0–255, on any device. What is drawn comes from torch's default
generators, so seeding those repeats the changes.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from inkdigits.images import SIZE

_MIDDLE = (SIZE - 1) / 2
_COARSE = 5  # points along a side that bending moves
_WHITE = 255

Change = Callable[..., Tensor]


def vary(images: Tensor, backgrounds: Tensor) -> Tensor:
    """Warp each of the images, uint8 or float, and change some in each way known here.

    ``backgrounds``: uint8 (M, 28, 28), as ``draw_backgrounds`` makes them. Nearly half of the
    images are warped only. Digits and what is no digit are changed alike, lest a change tell them
    apart. Returns float32, 0–255.
    """
    images = warp(images.to(torch.float32))
    changes, grounds, faults = (_choose(images, kind) for kind in (CHANGES, GROUNDS, FAULTS))
    for change, chosen in changes:
        images[chosen] = change(images[chosen])
    for lay, chosen in grounds:
        drawn = torch.randint(len(backgrounds), (len(chosen),), device=backgrounds.device)
        images[chosen] = lay(images[chosen], backgrounds[drawn].to(images))
    for spoil, chosen in faults:
        images[chosen] = spoil(images[chosen])
    return images.clamp_(0, _WHITE)


def warp(
    images: Tensor,
    *,
    rotation: float = 28,
    slant: float = 0.42,
    zoom: float = 0.35,
    aspect: float = 0.25,
    shift: float = 3.5,
    bend: float = 0.8,
) -> Tensor:
    """Turn, slant, scale, stretch, move and bend each image; one bilinear reading, black outside.

    Bounds: ``rotation`` in degrees; ``slant`` in columns a row; ``zoom`` and ``aspect`` as
    logarithms; ``shift`` in pixels; ``bend`` the standard deviation, in pixels, by which a grid of
    5 × 5 points is moved (an elastic change, as Simard et al. 2003 make with smoothed noise). Each
    change of an image is its bound × U(−1, 1) × the image's own U(0, 1): most images change little,
    a few much.
    """
    count, device = len(images), images.device
    vigour = torch.rand(count, 1, device=device)
    change = (2 * torch.rand(count, 6, device=device) - 1) * vigour
    angle, lean = change[:, 0] * math.radians(rotation), change[:, 1] * slant
    wide = (zoom * change[:, 2] + aspect * change[:, 3]).exp()
    high = (zoom * change[:, 2] - aspect * change[:, 3]).exp()
    cosine, sine = angle.cos(), angle.sin()
    # What a step to the right and a step down in the new image are in the old one.
    right = torch.stack([wide * cosine, wide * sine], dim=1)
    down = torch.stack([high * (lean * cosine - sine), high * (lean * sine + cosine)], dim=1)
    steps = torch.linspace(-1, 1, SIZE, device=device)
    moves = torch.randn(count, 2, _COARSE, _COARSE, device=device) * vigour[..., None, None]
    places = F.interpolate(moves * (bend / _MIDDLE), SIZE, mode="bicubic", align_corners=True)
    places += right[:, :, None, None] * steps + down[:, :, None, None] * steps[:, None]
    places += change[:, 4:, None, None] * (shift / _MIDDLE)
    read = F.grid_sample(
        images[:, None], places.permute(0, 2, 3, 1), padding_mode="zeros", align_corners=True
    )
    return read[:, 0]


def thicken(images: Tensor) -> Tensor:
    """Write with a broader pen: grey dilation by 3 × 3, by U(0, 1) of the way."""
    return torch.lerp(images, _dilate(images), _each(images))


def thin(images: Tensor) -> Tensor:
    """Write with a finer pen: grey erosion, likewise; what grew faint is made bright again."""
    slim = torch.lerp(images, -_dilate(-images), _each(images))
    gain = images.amax((1, 2), keepdim=True) / slim.amax((1, 2), keepdim=True).clamp(min=1)
    return slim * gain.clamp(max=4)


def hollow(images: Tensor) -> Tensor:
    """Leave the outlines of the strokes."""
    return _dilate(images) - images


def lay_on(images: Tensor, grounds: Tensor) -> Tensor:
    """Draw on backgrounds, paler by U(0, 1): of image and background the brighter counts."""
    return torch.maximum(images, grounds * _each(images).sqrt())


def shine_through(images: Tensor, grounds: Tensor) -> Tensor:
    """Let up to 0.65 of a background shine through, as fog does."""
    return torch.lerp(images, grounds, 0.65 * _each(images))


def invert_by(images: Tensor, grounds: Tensor) -> Tensor:
    """Turn to the negative where the background is bright, or, in half, in a band across."""
    edges = torch.rand(len(images), 2, 1, 1, device=images.device) * 1.4 - 0.2
    steps = torch.linspace(0, 1, SIZE, device=images.device)
    place = torch.where(_each(images) < 0.5, steps, steps[:, None])
    band = (place > edges[:, 0]) != (place > edges[:, 1])
    inverted = torch.where(_each(images) < 0.5, band, ~band)
    return torch.where(_each(images) < 0.5, grounds, inverted * float(_WHITE)).sub(images).abs()


def blur(images: Tensor) -> Tensor:
    """Blur by a mean over 3 × 3, once or twice, by U(0, 1) of the way."""
    once = F.avg_pool2d(images[:, None], 3, 1, 1)
    twice = F.avg_pool2d(once, 3, 1, 1)
    soft = torch.where(_each(images) < 0.5, once[:, 0], twice[:, 0])
    return torch.lerp(images, soft, _each(images))


def light(images: Tensor) -> Tensor:
    """Lower the contrast to U(0.3, 1) of itself and brighten by U(0, 0.5) of white."""
    return images * (0.3 + 0.7 * _each(images)) + _WHITE / 2 * _each(images)


def grain(images: Tensor) -> Tensor:
    """Add Gaussian noise, its deviation U(0, 0.3) of white."""
    return images + 0.3 * _WHITE * _each(images) * torch.randn_like(images)


def uneven_ink(images: Tensor) -> Tensor:
    """Multiply each pixel by a Gaussian around 1, its deviation U(0, 0.7)."""
    return images * (1 + 0.7 * _each(images) * torch.randn_like(images))


def specks(images: Tensor) -> Tensor:
    """Make U(0, 0.2) of the pixels black or white."""
    dice, share = torch.rand_like(images), 0.2 * _each(images)
    speck = (dice < share / 2) * float(_WHITE)
    return torch.where(dice < share, speck, images)


CHANGES = ((thicken, 0.15), (thin, 0.12), (hollow, 0.03))
GROUNDS = ((lay_on, 0.07), (shine_through, 0.07), (invert_by, 0.06))
FAULTS = ((blur, 0.1), (light, 0.1), (grain, 0.05), (uneven_ink, 0.05), (specks, 0.05))
"""What is changed, and in which share of the images; each is drawn on its own."""


def _choose(
    images: Tensor, changes: Sequence[tuple[Change, float]]
) -> Iterator[tuple[Change, Tensor]]:
    """Draw for each change which images it is for.

    They are its share of them, never by chance more or fewer, lest a GPU must be asked how many.
    """
    orders = torch.rand(len(changes), len(images), device=images.device).argsort()
    for (change, share), order in zip(changes, orders, strict=True):
        yield change, order[: round(share * len(images))]


def _each(images: Tensor) -> Tensor:
    """Draw U(0, 1) for each image, to be applied to all of its pixels."""
    return torch.rand(len(images), 1, 1, device=images.device)


def _dilate(images: Tensor) -> Tensor:
    """Replace each pixel by the greatest of its 3 × 3 neighbourhood."""
    across = torch.maximum(images, F.pad(images[:, :, 1:], (0, 1), value=-_WHITE))
    across = torch.maximum(across, F.pad(images[:, :, :-1], (1, 0), value=-_WHITE))
    below = F.pad(across[:, 1:], (0, 0, 0, 1), value=-_WHITE)
    above = F.pad(across[:, :-1], (0, 0, 1, 0), value=-_WHITE)
    return torch.maximum(across, torch.maximum(below, above))
