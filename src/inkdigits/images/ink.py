"""What in a picture of one digit is its ink, whatever the paper, the pen and the light.

The paper's brightness is what is left once everything narrower than a window has been painted over
with what surrounds it (a morphological closing), so gradients and shadows drop out. What differs
from the paper is split in two by Otsu's threshold (1979), and only pieces that belong to a digit
are kept: no specks, no frames.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from inkdigits.images.contract import Images
from inkdigits.images.windows import highest, lowest

WORKING_SIDE = 256  # pixels of the longer side that are looked at
COARSE_SIDE = 64  # pixels that paper and frames are found on
WINDOW = 0.5  # of the picture: wider than strokes
FAINTEST = 0.04  # of the paper's brightness: less is no ink
NOISE = 5.0  # standard deviations of the noise that ink must exceed
SPECK, SHORT = 0.03, 0.2  # of the largest piece's area and length: less is no ink
GRAIN = 0.0001  # of the picture: less is no ink, but the rare crest of the noise
FRAME = 0.25  # of the picture's length: what is shorter is no frame
MOSTLY = 0.5  # of the outline of what is dark among ink, and so ink as well
SHEET = 0.45  # of a picture, at least, is paper where it lies on a table; digits are less
UNIFORM = 0.95  # share of pixels alike that makes a line of them part of a frame
EIGHT = np.ones((3, 3), np.bool_)

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def find_ink(picture: Images) -> Floats:
    """Return how much ink covers each pixel, float32 (h, w) 0 to 1, at most 256 on a side.

    ``picture``: grey (H, W). All is 0 where no ink was found. A digit that is small in a large
    picture is looked at again from nearer.
    """
    step = -(-max(picture.shape) // WORKING_SIDE)
    work = np.asarray(Image.fromarray(picture).reduce(step)) if step > 1 else picture
    cover = _cover(work.astype(np.float32))
    if step == 1 or not cover.any():
        return cover
    nearer = [_span(cover, axis, step) for axis in (1, 0)]
    if 2 * max(stop - start for start, stop in nearer) > max(picture.shape):
        return cover
    rows, columns = (slice(start, stop) for start, stop in nearer)
    return find_ink(np.ascontiguousarray(picture[rows, columns]))


def _span(cover: Floats, axis: int, step: int) -> tuple[int, int]:
    """Return from where to where there is ink, with a margin, in the picture's pixels."""
    places = np.flatnonzero(cover.any(axis=axis))
    margin = 2 + (places[-1] - places[0]) // 3
    return max(0, int(places[0] - margin) * step), int(places[-1] + 1 + margin) * step


def _cover(work: Floats) -> Floats:
    step = -(-max(work.shape) // COARSE_SIDE)
    coarse = _blocks(work, step)
    if _light_on_dark(coarse, cropped=step == 1):
        work, coarse = 255 - work, 255 - coarse
    contrast, bold = _contrast(work, coarse)
    least = _threshold(contrast)
    mask = contrast > least
    hidden = _between(mask, (bold > least) & ~mask)
    contrast[hidden] = bold[hidden]
    mask = _digit(mask | hidden)
    if not mask.any():
        return np.zeros_like(work)
    level = np.quantile(contrast[mask], 0.6)
    soft = highest(mask, 3)
    cover: Floats = np.clip(contrast / level, 0, 1) * soft
    return cover


def _threshold(contrast: Floats) -> float:
    peak = float(ndimage.uniform_filter(contrast, 3).max())
    return max(FAINTEST, NOISE * _noise(contrast), _otsu(contrast), 0.3 * peak)


def _blocks(work: Floats, step: int) -> Floats:
    """Return the mean of each block of step × step; at the edges what there is of it."""
    if step == 1:
        return work
    height, width = (-(-side // step) for side in work.shape)
    size, box = (width, height), (0, 0, width * step, height * step)
    padded = np.pad(work, [(0, box[3] - work.shape[0]), (0, box[2] - work.shape[1])], mode="edge")
    return np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BOX))


def _light_on_dark(coarse: Floats, cropped: bool) -> bool:
    """Tell whether the paper is dark: most of what lies along the edge, within any frame.

    Where shadows leave that open, it is dark if what stands out from its surroundings is bright; on
    a small picture, ``cropped`` to a digit, no shadow is looked for.
    """
    bright = coarse > (coarse.min() + coarse.max()) / 2
    while (inner := _within_frame(bright)) is not None:
        bright = inner
    share = float(_edge(bright).mean())
    if abs(bright.mean() - share) > SHEET and abs(share - 0.5) > UNIFORM - 0.5:
        return share > 0.5  # a sheet on a table
    if 0.25 < share < 0.75 and not cropped:
        off = coarse - ndimage.uniform_filter(coarse, max(3, max(coarse.shape) // 6))
        return float((off**3).sum()) > 0
    return share < 0.5


def _within_frame(bright: Mask) -> Mask | None:
    """Return what an even frame surrounds; None if there is none, or if it is the digit."""
    frame = _edge(bright).mean() > 0.5
    inner = _peeled(bright, frame)
    if inner.size == 0 or (_edge(inner) == frame).mean() > 1 - UNIFORM:
        return None
    left = _peeled(inner, not frame, 1)
    return inner if left.size and (left != frame).any() else None


def _peeled(bright: Mask, colour: bool, even: float = UNIFORM) -> Mask:
    """Take rows and columns that are of that colour, or nearly, off the sides."""
    alike = bright == colour
    rows = np.flatnonzero(alike.mean(axis=1) < even)
    columns = np.flatnonzero(alike.mean(axis=0) < even)
    if not (rows.size and columns.size):
        return bright[:0]
    return bright[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _edge(picture: NDArray[np.generic]) -> NDArray[np.generic]:
    return np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])


def _contrast(work: Floats, coarse: Floats) -> tuple[Floats, Floats]:
    """Return how much darker than the paper each pixel is, as a share of the paper's brightness.

    First than the paper as it is there, then than the brightest paper within half a window: where
    broad strokes cross, they reach too far either way to be told from paper.
    """
    step = -(-max(work.shape) // COARSE_SIDE)
    paper = np.maximum(*(_bridged(coarse, axis, cropped=step == 1) for axis in (0, 1)))
    bright = highest(paper, round(WINDOW * max(paper.shape)) | 1)
    if step > 1:
        paper = lowest(paper, 3)  # else the borders of shadows are grey
    height, width = work.shape
    contrast = _darker(work, _enlarged(paper, height, width, step))
    bold = _darker(work, _enlarged(bright, height, width, step))
    crests = np.quantile(contrast, 0.2)  # a closing lies on the noise's crests
    return _share(contrast - crests), _share(bold - crests)


def _share(values: NDArray[np.floating]) -> Floats:
    return np.asarray(np.clip(values, 0, 1), np.float32)


def _darker(work: Floats, paper: Floats) -> NDArray[np.floating]:
    return np.asarray((paper - work) / np.maximum(paper, 16))


def _enlarged(coarse: Floats, height: int, width: int, step: int) -> Floats:
    if step == 1:
        return coarse
    box = (0, 0, width / step, height / step)
    return np.asarray(
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR, box)
    )


def _between(ink: Mask, dark: Mask) -> Mask:
    """Return the pieces of ``dark`` that have ink around more than half of them."""
    labels, count = ndimage.label(dark, EIGHT)
    around, inked = np.zeros(count + 1), np.zeros(count + 1)
    padded, inks = np.pad(labels, 1), np.pad(ink, 1)
    for axis in (0, 1):
        for way in (-1, 1):
            here = (padded > 0) & (np.roll(padded, way, axis) == 0)
            around += np.bincount(padded[here], minlength=count + 1)
            inked += np.bincount(padded[here & np.roll(inks, way, axis)], minlength=count + 1)
    among = inked > MOSTLY * around
    among[0] = False
    found: Mask = among[labels]
    return found


def _bridged(coarse: Floats, axis: int, cropped: bool) -> Floats:
    """Brighten what is dark between two bright places, less than a window apart along the axis.

    What is dark up to the edge of a picture stays so, as a shadow, a table or a frame does, unless
    it is a small picture, ``cropped`` to a digit that may touch the edge.
    """
    length = coarse.shape[axis]
    window = 1 if cropped else WINDOW
    side = min(2 * length - 1, round(window * max(coarse.shape)) | 1)
    room = side // 2
    around = [(room, room) if here == axis else (0, 0) for here in (0, 1)]
    padded = np.pad(coarse, around, mode="symmetric" if cropped else "edge")
    closed: Floats = lowest(highest(padded, side, axis), side, axis)
    return closed[room : room + length] if axis == 0 else closed[:, room : room + length]


def _noise(contrast: Floats) -> float:
    """Return the noise's standard deviation, from how far pixels lie off their neighbours' mean.

    The calmest quarter speaks for all, as strokes may be everywhere else on a small picture.
    """
    if min(contrast.shape) < 3:
        return 0.0
    down = contrast[1:-1] - (contrast[:-2] + contrast[2:]) / 2
    across = contrast[:, 1:-1] - (contrast[:, :-2] + contrast[:, 2:]) / 2
    calm = min(float(np.quantile(np.abs(off), 0.25)) for off in (down, across))
    return calm / (0.3186 * 1.2247)


def _otsu(contrast: Floats) -> float:
    """Return the threshold that parts the values best in two (Otsu, 1979)."""
    counts = np.bincount((contrast.ravel() * 255).astype(np.intp), minlength=256)
    below, mass = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * below / below[-1] - mass) ** 2 / (below * above)
    return (float(np.nan_to_num(between, posinf=0).argmax()) + 0.5) / 255


def _digit(mask: Mask) -> Mask:
    """Keep the pieces that can be a digit's: neither specks nor frames."""
    labels, count = ndimage.label(mask, EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    boxes = ndimage.find_objects(labels)
    lengths = np.array([max(s.stop - s.start for s in box) for box in boxes])
    for n in np.flatnonzero(lengths > max(mask.shape) * FRAME):
        least = _least_beside(labels == n + 1, boxes[n])
        if np.delete(areas, n).max(initial=0) > least:
            areas[n] = lengths[n] = 0
    least = max(SPECK * areas.max(initial=0), GRAIN * mask.size)
    kept = (areas >= least) & (lengths >= SHORT * lengths.max(initial=1))
    digit: Mask = np.append(False, kept)[labels]
    return digit


def _least_beside(piece: Mask, box: tuple[slice, slice]) -> float:
    """Return the area of another piece, at least, that makes this one a frame; inf if it is none.

    Frames cover sides of the picture, or most of its edge, or are a thin rectangle of their own.
    """
    sides = _sides(piece)
    least = piece.size / 500
    own = piece[box]
    hollow = own.mean() < 0.5 and min(own.shape) > piece.shape[0] / 4
    if sides > 1 or _edge(piece).mean() > 0.6 or (hollow and _sides(own) == 4):
        return least
    return max(least, 0.1 * piece.sum()) if sides else np.inf


def _sides(piece: Mask) -> int:
    """Return how many of its four sides a piece covers from end to end."""
    lines = piece[0], piece[-1], piece[:, 0], piece[:, -1]
    return sum(bool(line.mean() > UNIFORM) for line in lines)
