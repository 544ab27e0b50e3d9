"""A picture to the digits on it: ink, pieces, lines, groups; a few batches through the network."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inkdigits.images import Images, fit_ink
from inkdigits.images.windows import highest
from inkdigits.reading.bits import join_bits
from inkdigits.reading.frames import find_frames
from inkdigits.reading.grouping import Group, Row, best_groups, possible_groups, take_apart
from inkdigits.reading.ink import Ink, find_ink, means
from inkdigits.reading.lines import find_lines
from inkdigits.reading.pieces import Piece, find_pieces, plausible, usual
from inkdigits.reading.ruling import find_ruling
from inkdigits.reading.stacked import cut_stacked
from inkdigits.reading.thin import with_thin_strokes
from inkdigits.reading.words import find_letters

BLUR = 0.04  # of a digit's size: how far its edges are taken to be blurred
SHARPER = 2.0  # times what differs from its blurred surroundings is added
PAPER = 0.1  # of the contrast that half of a digit's ink has, which is white: less is black
LARGE = 128  # pixels, at least, are left of a digit that is made smaller before it is sharpened
MOST_GROUPS = 12_000  # bounds time and memory on pictures that are no page
TURNS = 8  # of reading what the best grouping needs; then all groups of a line are read at once

Classify = Callable[[Images], NDArray[np.float32]]


@dataclass(frozen=True)
class Spot:
    """Where a digit is (x, y, width, height in pixels of the picture), and what it looks like.

    ``ink``: uint8 (28, 28); ``probabilities``: (10,), by the network. ``letter``: it stands in a
    word that is no number.
    """

    box: tuple[int, int, int, int]
    ink: Images
    probabilities: NDArray[np.float32]
    letter: bool = False


def find_digits(picture: Images, classify: Classify) -> list[list[Spot]]:
    """Find the digits on a grey picture (H, W): lines from top to bottom, from left to right each.

    ``classify`` takes digit images uint8 (N, 28, 28) to probabilities (N, 10). Of the groups that
    could be a digit only those are read that may belong to the best grouping.
    """
    ink = find_ink(picture)
    lines, room = [], MOST_GROUPS
    for row in find_rows(ink):
        groups = possible_groups(row)[:room]
        lines.append(_Line(row, groups))
        room -= len(groups)

    def read(wanted: Sequence[tuple[_Line, int]]) -> None:
        images = np.stack([digit_image(ink, line.parts(n)) for line, n in wanted])
        for (line, n), image, probabilities in zip(wanted, images, classify(images), strict=True):
            box = _box(line.parts(n), ink.scale, picture.shape)
            line.read[n] = Spot(box, image, probabilities)

    unsettled = lines
    for turn in itertools.count():
        wanted = [(line, n) for line in unsettled for n in line.wanted(everything=turn == TURNS)]
        if not wanted:
            break
        read(wanted)
        unsettled = list(dict.fromkeys(line for line, _ in wanted))
    if whole := [(line, n) for line in lines for n in line.put_letters_together()]:
        read(whole)
    return [digits for line in lines if (digits := line.digits())]


class _Line:
    """A line, what could be digits in it, and what was read of that, by the groups' numbers."""

    def __init__(self, row: Row, groups: Sequence[Group]) -> None:
        self.row = row
        self.groups = groups
        self.read: dict[int, Spot] = {}
        self._best: list[int] = []
        self._letters: set[int] = set()

    def wanted(self, *, everything: bool) -> list[int]:
        """Return what is to be read before the best grouping is known, or all that is unread."""
        sure = {n: float(spot.probabilities.max()) for n, spot in self.read.items()}
        self._best = best_groups(self.row, self.groups, sure)
        unread = [n for n in self._best if n not in self.read]
        if unread and everything:
            return [n for n in range(len(self.groups)) if n not in self.read]
        return unread

    def parts(self, number: int) -> list[Piece]:
        """Return the ink of a group."""
        group = self.groups[number]
        return self.row.parts[group.first : group.last + 1]

    def put_letters_together(self) -> list[int]:
        """Take the letters of words whole; return which of them are still to be read."""
        chosen = {self.groups[n]: n for n in self._best}
        sure = {group: float(self.read[n].probabilities.max()) for group, n in chosen.items()}
        numbers = {(group.first, group.last): n for n, group in enumerate(self.groups)}
        for first, last in find_letters(self.row, list(chosen), sure):
            parts = {n for group, n in chosen.items() if first <= group.first <= last}
            letter = {numbers[first, last]} if (first, last) in numbers else parts
            self._best = sorted((set(self._best) - parts) | letter)
            self._letters |= letter
        return [n for n in self._best if n not in self.read]

    def digits(self) -> list[Spot]:
        """Return the best grouping's."""
        return [replace(self.read[n], letter=n in self._letters) for n in self._best]


def find_rows(ink: Ink) -> list[Row]:
    """Find the lines of writing in the ink, taken apart."""
    pieces = find_pieces(ink.mask)
    frames = find_frames(ink, pieces)
    if frames.ink.any():
        ink = replace(ink, mask=ink.mask & ~frames.ink)
        pieces = find_pieces(ink.mask)
    rough = usual(pieces, ink)
    ruling = find_ruling(ink, rough.height)
    pieces = find_pieces(ink.mask & ~ruling.ink)
    page = usual(pieces, ink)
    lines = ruling.place | frames.place
    # Bits are put together before dirt is left out, and once more when strokes have been followed.
    pieces = plausible(join_bits(pieces, page.height), ink, page)
    pieces = join_bits(with_thin_strokes(pieces, ink, lines, page), page.height)
    pieces = cut_stacked(pieces, page.height)
    return [
        take_apart(line, page.height, alone=len(pieces) == 1)
        for line in find_lines(pieces, page.height)
    ]


def digit_image(ink: Ink, parts: Sequence[Piece]) -> Images:
    """Make the digit that ``parts`` are, cut out of all other ink, a digit image (28, 28).

    It is made sharper by unsharp masking: a photo is softer than a digit image is to be.
    """
    top, left = min(p.top for p in parts), min(p.left for p in parts)
    bottom, right = max(p.bottom for p in parts), max(p.right for p in parts)
    longest = max(bottom - top, right - left)
    edge = max(1, round(BLUR * longest))
    top, left = max(0, top - 2 * edge), max(0, left - 2 * edge)
    box = slice(top, bottom + 2 * edge), slice(left, right + 2 * edge)
    mask = np.zeros(ink.mask[box].shape, np.bool_)
    for part in parts:
        mask[part.top - top : part.bottom - top, part.left - left : part.right - left] |= part.mask
    others = ink.mask[box] & ~mask
    step = max(1, longest // LARGE)
    contrast = means(ink.contrast[box], step)
    mask, others = (means(some.astype(np.float32), step) > 0 for some in (mask, others))
    blur = BLUR * longest / step
    soft = highest(mask, 2 * max(1, round(blur)) + 1) & (mask | ~others)
    sharp = contrast + SHARPER * (contrast - ndimage.gaussian_filter(contrast, blur))
    level = max(float(np.median(sharp[mask])), 1e-3)
    return fit_ink(np.clip((sharp / level - PAPER) / (1 - PAPER), 0, 1) * soft)


def _box(
    parts: Sequence[Piece], scale: tuple[float, float], shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Return x, y, width, height in pixels of the picture."""
    top = max(0, round(min(p.top for p in parts) * scale[0]))
    left = max(0, round(min(p.left for p in parts) * scale[1]))
    bottom = min(shape[0], max(top + 1, round(max(p.bottom for p in parts) * scale[0])))
    right = min(shape[1], max(left + 1, round(max(p.right for p in parts) * scale[1])))
    return left, top, right - left, bottom - top
