"""What on a picture is ink: darker than the paper around it, narrow, and no ruling.

The paper's own brightness is what stays when everything narrower than a window has been painted
over with what surrounds it (a morphological closing), so light, shadows with their edges and the
desk beside the page drop out together. What is left is judged against the darkest ink nearby.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from inkdigits.images import Images
from inkdigits.images.windows import highest, lowest

LONG_SIDE = 2048  # pixels that are worked on: a 12-megapixel photo at half its size
SHORT_SIDE = 160  # smaller pictures are made larger first, so that strokes are wide enough to judge
COARSE_SIDE = 400  # pixels that the paper's brightness is found on
FINE = 200  # pixels: on larger pictures light and paper are judged at half size, or less
WINDOWS = (1 / 8, 1 / 4, 0.7)  # of the long side: wider than strokes; the last, than a digit
STRONG = 0.3  # of the sharpest edges: what is as sharp hangs together as an outline
LEAST = 12  # coarse pixels of an outline; fewer are noise
OUTLINES = 3  # at least, are on a page; a digit that fills the picture has two within, its holes
ENOUGH = 0.75  # of the edges that the best window explains
SURROUNDINGS = 1 / 8  # of the long side
RARER = 0.75  # how likely ink is on the side where its surroundings are less exceeded
FAINTEST = 0.06  # of the paper's brightness: less is no ink
RELATIVE = 0.4  # of the darkest ink nearby: less is its blur, or ruling beside it
THIN = 0.2  # of the darkest ink nearby: less is no part of a stroke that goes on from darker ink
MOST_DRAWN = 0.25  # of a drawing on even paper is ink, at most
ALIKE = 0.75  # of the darkest ink there, at least, is what half of it is like
SMOOTHED = 0.4  # of the noise is left by a Gaussian of 0.7 pixels
NOISE = 5.0  # standard deviations of the noise that ink must exceed
EIGHT = np.ones((3, 3), np.bool_)  # ink that touches at a corner is one piece

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Ink:
    """Ink at working size. ``contrast``: float32 (h, w), how much darker than the paper, 0 to 1.

    ``paper``: float32 (h, w), its brightness. ``mask``: bool (h, w), where there is ink. ``faint``:
    bool (h, w), where there is what may be ink if it goes on from there.
    ``scale``: pixels of the picture a working pixel, down and across.
    """

    contrast: Floats
    paper: Floats
    mask: Mask
    faint: Mask
    scale: tuple[float, float]


def find_ink(picture: Images) -> Ink:
    """Find the ink in a grey picture (H, W) of any size, dark on light or light on dark."""
    work = _resize(picture)
    scale = picture.shape[0] / work.shape[0], picture.shape[1] / work.shape[1]
    noise = SMOOTHED * _noise(work.astype(np.float32))
    even = _even_paper(work)
    work = ndimage.gaussian_filter(work.astype(np.float32), 0.7)
    light, share = _polarity_and_window(work) if even is None else (even.light, WINDOWS[0])
    if light:
        work = 255 - work
    noise = max(noise, _noise(work))
    window = max(work.shape) * share
    paper = _paper(work, window) if even is None else np.full_like(work, even.brightness)
    contrast = (paper - work) / np.maximum(paper, 16)
    contrast = np.clip(contrast - np.quantile(contrast[::5, ::5], 0.2), 0, 1)  # it lies on crests
    floor = np.maximum(FAINTEST, NOISE * noise / np.maximum(paper, 16))
    peaks = _peaks(contrast, window / 4)
    mask, faint = (contrast > np.maximum(floor, part * peaks) for part in (RELATIVE, THIN))
    return Ink(contrast, paper, mask, faint, scale)


def _resize(picture: Images) -> Images:
    height, width = picture.shape
    factor = LONG_SIDE / max(height, width)
    if max(height, width) < SHORT_SIDE:
        factor = SHORT_SIDE / max(height, width)
    elif factor >= 1:
        return picture
    if factor < 0.5:  # whole steps are quicker, and as good
        small = Image.fromarray(picture).reduce(int(1 / factor))
        return _resize(np.asarray(small))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    how = Image.Resampling.BICUBIC if factor > 1 else Image.Resampling.BOX
    return np.asarray(Image.fromarray(picture).resize(size, how))


class EvenPaper(NamedTuple):
    """Paper of one ``brightness``, counted from black; ``light``: its ink is lighter than it."""

    brightness: int
    light: bool


def _even_paper(work: Images) -> EvenPaper | None:
    """Tell paper that is the same all over, in drawings made by program; None for any other.

    What is drawn there is of one darkness: a shaded field of a form is paper to what is in it.
    """
    paper = work[0, 0]
    edges = work[0], work[-1], work[:, 0], work[:, -1]
    drawn = work != paper
    if any((edge != paper).any() for edge in edges) or not 0 < drawn.mean() < MOST_DRAWN:
        return None
    off = np.abs(work[drawn].astype(np.int16) - paper)
    if np.median(off) < ALIKE * off.max():
        return None
    light = bool(work[drawn].mean() > paper)
    return EvenPaper(int(255 - paper if light else paper), light)


def _polarity_and_window(work: Floats) -> tuple[bool, float]:
    """Return whether ink is lighter than its paper, and the window, as a share of the long side.

    Whatever is ink, its outlines are most of the sharp edges that any choice makes outlines of ink:
    taking light for dark leaves the outer ones unexplained, too small a window those of thick
    strokes. Outlines that run out of the picture are a page's, a table's or a shadow's, and so left
    out, unless the picture is filled by one digit. What makes most of the picture ink counts for
    less, unless it is a close-up. Ink is little and differs much from its surroundings, paper is
    much and differs little, so the side to which the picture is skewed is the likelier. Of the
    windows that explain most, the smallest takes the fewest shadows for ink.
    """
    coarse = means(work, coarse_step(work))
    edges = _within(np.maximum(highest(coarse, 3) - lowest(coarse, 3) - 6 * _noise(coarse), 0))
    around = ndimage.uniform_filter(coarse, max(3, round(SURROUNDINGS * max(coarse.shape))))
    expected = bool(((coarse - around) ** 3).mean() > 0)
    explained = {
        (light, share): (1 if light == expected else RARER)
        * _explained(255 - coarse if light else coarse, share, edges)
        for light in (False, True)
        for share in WINDOWS
    }
    light, _ = max(explained, key=lambda choice: explained[choice])
    enough = ENOUGH * max(explained.values())
    return light, min(share for share in WINDOWS if explained[light, share] >= enough)


def _within(edges: Floats) -> Floats:
    """Return the edges without the outlines that run out of the picture, if others are left."""
    strong = edges > STRONG * np.quantile(edges, 0.995)
    labels, count = ndimage.label(strong, EIGHT)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    ends = np.ones(count + 1, np.bool_)
    for side in (labels[:2], labels[-2:], labels[:, :2], labels[:, -2:]):
        ends[side] = False
    ends[0] = True
    if np.count_nonzero(ends[1:] & (sizes[1:] >= LEAST)) < OUTLINES:
        return edges
    return np.where(ends[labels], edges, np.float32(0))


def _explained(coarse: Floats, share: float, edges: Floats) -> float:
    paper = _closed(coarse, max(3, round(share * max(coarse.shape)) | 1))
    contrast = (paper - coarse) / np.maximum(paper, 16)
    ink = contrast > max(FAINTEST, RELATIVE * float(np.quantile(contrast, 0.995)))
    share_of_ink = float(ink.mean())
    weight = (1 - share_of_ink) ** (1 if share > 0.5 else 3) * np.clip(4 - 6 * share_of_ink, 0, 1)
    around = highest(ink, 3, axis=0) | highest(ink, 3, axis=1)
    return float(edges[around].sum() * weight)


def _noise(work: Floats) -> float:
    """Return the standard deviation of the noise, in grey levels, from neighbours' differences."""
    if min(work.shape) < 3:
        return 0.0
    rough = work[1:-1, 1:-1] - (work[:-2, 1:-1] + work[2:, 1:-1]) / 2
    return float(np.median(np.abs(rough[::3, ::3]))) / 0.6745 / 1.2247


def _paper(work: Floats, window: float) -> Floats:
    """Return the brightness of the paper at each place, as if nothing were written on it."""
    step = coarse_step(work)
    coarse = means(work, step)
    closed = _closed(coarse, max(3, round(window / step) | 1))
    return _enlarge(ndimage.uniform_filter(closed, 3, mode="nearest"), work.shape)


def _closed(coarse: Floats, side: int) -> Floats:
    """Paint over what is dark and narrower than ``side``, which is odd."""
    # The edge is repeated outwards: a strip of desk beside the page is wide, not narrow like ink.
    room = side // 2 + 1  # beyond half a window it is repeated as well
    padded = np.pad(coarse, room, mode="edge")
    return lowest(highest(padded, side), side)[room:-room, room:-room]


def _peaks(contrast: Floats, window: float) -> Floats:
    """Return the strongest contrast in a window around each place."""
    step = max(1, round(max(contrast.shape) / COARSE_SIDE))
    if step == 1:
        return highest(contrast, max(3, round(window) | 1))
    bottom, right = (-side % step for side in contrast.shape)
    padded = np.pad(contrast, ((0, bottom), (0, right)), mode="edge")
    rows = padded.reshape(-1, step, padded.shape[1]).max(axis=1)
    coarse = rows.reshape(len(rows), -1, step).max(axis=2)
    peaks = highest(coarse, max(3, round(window / step) | 1))
    return _enlarge(peaks, contrast.shape)


def texture(contrast: Floats, size: float) -> tuple[Floats, int]:
    """Return the contrast that most places around each have, ink or not, and the step it is at.

    Next to none on paper, not so on wood. ``size``: of the surroundings, in pixels.
    """
    step = max(1, round(size / 9), round(max(contrast.shape) / COARSE_SIDE))
    coarse = means(contrast, step)
    return ndimage.percentile_filter(coarse, 30, size=9, mode="nearest"), step


def coarse_step(work: Floats) -> int:
    """Return how many pixels go into one where light and paper are judged."""
    longest = int(max(work.shape))
    return max(2 if longest >= FINE else 1, round(longest / COARSE_SIDE))


def means(work: Floats, step: int) -> Floats:
    """Return the mean of each block of step × step; at the edges what there is of it."""
    return np.asarray(Image.fromarray(work).reduce(step))


def _enlarge(coarse: Floats, shape: tuple[int, ...]) -> Floats:
    size = shape[1], shape[0]
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR))
