"""Ink in connected pieces, and which of them may be digits by their size and darkness."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inkdigits.images.windows import lowest
from inkdigits.reading.ink import EIGHT, Floats, Ink, Mask, coarse_step, texture

SPECK = 0.2  # of a digit's height: what is smaller either way is dirt
TALLEST = 2.6  # digit's heights: two that touch, one standing on the other
FAINT = 0.4  # of the contrast of the page's usual ink
SHALLOW = 0.15  # of its depth: in the dark beside the page, little makes much contrast
LARGE = 0.25  # of the picture: digits so high are a close-up, whose ink may reach the edge
WRITTEN = 0.05  # of all ink, at least, is writing where a desk around the page makes the rest
SURROUNDINGS = 2.0  # digit's heights around a piece
GRAIN = 3.0  # times the contrast of its surroundings
STEEP = 1.3  # times as bright as elsewhere around a piece: more is an edge of paper or of light
AT_AN_EDGE = 0.65  # of its contrast, at least, ink keeps against the darkest paper nearby
MOST = 4000  # pieces on a page, the largest ones; bounds time on pictures that are no page


@dataclass(frozen=True)
class Piece:
    """Ink that hangs together: ``mask``, bool (h, w), with its corner at ``top``, ``left``."""

    top: int
    left: int
    mask: Mask

    @property
    def height(self) -> int:
        """Of its box, in pixels."""
        return int(self.mask.shape[0])

    @property
    def width(self) -> int:
        """Of its box, in pixels."""
        return int(self.mask.shape[1])

    @property
    def bottom(self) -> int:
        """The row after its last."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The column after its last."""
        return self.left + self.width

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of its box's middle."""
        return self.top + self.height / 2, self.left + self.width / 2


def find_pieces(mask: Mask) -> list[Piece]:
    """Return the connected pieces of ``mask``, without those of a few pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return []
    top, left = int(rows[0]), int(columns[0])
    labels, count = ndimage.label(mask[top : rows[-1] + 1, left : columns[-1] + 1], EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    worth = np.argsort(areas)[::-1][:MOST]
    keep = {int(label) for label in worth if areas[label] >= 6}
    pieces = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if label in keep and box is not None:
            corner = top + box[0].start, left + box[1].start
            pieces.append(Piece(*corner, labels[box] == label))
    return pieces


def together(parts: Sequence[Piece]) -> Piece:
    """Return the parts as one piece."""
    top, left = min(p.top for p in parts), min(p.left for p in parts)
    bottom, right = max(p.bottom for p in parts), max(p.right for p in parts)
    mask = np.zeros((bottom - top, right - left), np.bool_)
    for part in parts:
        mask[part.top - top : part.bottom - top, part.left - left : part.right - left] |= part.mask
    return Piece(top, left, mask)


@dataclass(frozen=True)
class Usual:
    """What the page's digits are like: their height in pixels, and how dark their ink is."""

    height: float
    contrast: float
    depth: float  # how many grey levels the ink is under the paper


def usual(pieces: Sequence[Piece], ink: Ink) -> Usual:
    """Return the height and contrast of the page's digits, 0 where there is no ink.

    Medians over compact pieces, each weighing as much as its ink and the square of its depth,
    so that ruling, the grain of a desk and dirt do not count for much.
    """
    compact = [piece for piece in pieces if _compact(piece)] or list(pieces)
    if not compact:
        return Usual(0, 0, 0)
    contrasts = np.array([level(piece, ink) for piece in compact])
    depths = np.array([_depth(piece, ink) for piece in compact])
    areas = np.array([min(int(p.mask.sum()), p.height * p.width / 2) for p in compact])
    weights = areas * depths**2
    inside = np.array([not _around(piece, ink.mask.shape) for piece in compact])
    if weights[inside].sum() > WRITTEN * weights.sum():
        weights[~inside] = 0
    heights = np.array([float(piece.height) for piece in compact])
    return Usual(*(weighted_median(values, weights) for values in (heights, contrasts, depths)))


def _around(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Tell what may be a desk around the page: at the edge, and along half of the picture."""
    return at_edge(piece, shape) and (2 * piece.height > shape[0] or 2 * piece.width > shape[1])


def at_edge(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Tell what may go on outside a picture of that shape."""
    return 0 in (piece.top, piece.left) or piece.bottom == shape[0] or piece.right == shape[1]


def _compact(piece: Piece) -> bool:
    """Tell it from lines, level or upright, and from the mesh of squared paper."""
    flat = piece.height < 0.3 * piece.width or piece.height < 5
    return not flat and piece.width > 0.04 * piece.height and bool(piece.mask.mean() > 0.1)


def weighted_median(values: Floats | NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the value that half of the weight lies at or below."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def plausible(pieces: Sequence[Piece], ink: Ink, usual: Usual) -> list[Piece]:
    """Return the pieces that may be digits or parts of some, on a page whose digits are so."""
    page = usual.height < LARGE * min(ink.mask.shape)
    grain, step = texture(ink.contrast, SURROUNDINGS * usual.height)
    return [
        piece
        for piece in pieces
        if _fits(piece, usual.height)
        and level(piece, ink) > FAINT * usual.contrast
        and _depth(piece, ink) > SHALLOW * usual.depth
        and not (page and (_beside_paper(piece, ink, grain, step) or _paper_ends(piece, ink)))
    ]


def _beside_paper(piece: Piece, ink: Ink, grain: Floats, step: int) -> bool:
    """Tell whether the piece is grain among grain, or goes on outside the picture."""
    if at_edge(piece, ink.mask.shape):
        return True
    row, column = piece.centre
    return bool(level(piece, ink) < GRAIN * grain[int(row) // step, int(column) // step])


def _paper_ends(piece: Piece, ink: Ink) -> bool:
    """Tell an edge of the paper, beside which all is dark, from ink.

    What the paper's brightness is there is known to within two coarse pixels, so a strip of what
    lies beside the paper is dark for paper.
    """
    room = 2 * coarse_step(ink.paper)
    top, left = max(0, piece.top - room), max(0, piece.left - room)
    paper = ink.paper[top : piece.bottom + room, left : piece.right + room]
    if paper.max() < STEEP * paper.min():
        return False
    own = (slice(piece.top - top, piece.bottom - top), slice(piece.left - left, piece.right - left))
    box = slice(piece.top, piece.bottom), slice(piece.left, piece.right)
    darkest = np.maximum(lowest(paper, 2 * room + 1)[own], 1)
    kept = 1 - (1 - ink.contrast[box]) * paper[own] / darkest
    return bool(kept.clip(0)[piece.mask].mean() < AT_AN_EDGE * level(piece, ink))


def _fits(piece: Piece, height: float) -> bool:
    if max(piece.height, piece.width) < SPECK * height or piece.height > TALLEST * height:
        return False
    # Longer than a digit and flat: a line somebody drew, or ruling that was left.
    return not (piece.width > 1.5 * height and piece.height < 0.4 * height)


def _depth(piece: Piece, ink: Ink) -> float:
    row, column = int(piece.centre[0]), int(piece.centre[1])
    return level(piece, ink) * float(ink.paper[row, column])


def level(piece: Piece, ink: Ink) -> float:
    """Return how dark the piece is: the mean contrast of its ink."""
    box = slice(piece.top, piece.bottom), slice(piece.left, piece.right)
    return float(ink.contrast[box][piece.mask].mean())
