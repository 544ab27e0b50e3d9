"""Digits in bits: strokes that came apart into many dots and dashes, put together again.

A pen that skips leaves bits that are too small to count, and too many to be tried in all groups.
They are closer to one another than digits are.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from inkdigits.images.windows import highest
from inkdigits.reading.ink import EIGHT
from inkdigits.reading.pieces import SPECK, Piece, together

FEWEST = 3  # bits: the two halves of a digit are put together by reading them
LARGEST = 0.75  # of a digit's height, either way: what is larger is no bit
APART = 0.2  # digit's heights from a bit to the next, at most
LOWEST, TALLEST = 0.6, 1.4  # digit's heights
NARROWEST, WIDEST = 0.15, 1.0  # the same: thin dashed lines are edges of forms
LEAST = 0.04  # of ink in bits that are no specks, in squares as high as a digit: less is dirt
STACKED = 1.2  # times as high as its highest bit: what stands side by side may be digits


def join_bits(pieces: Sequence[Piece], height: float) -> list[Piece]:
    """Return ``pieces`` on a page whose digits are so high, the bits of each digit as one."""
    whole: list[Piece] = []
    bits: list[Piece] = []
    for piece in pieces:
        small = max(piece.height, piece.width) < LARGEST * height
        (bits if small else whole).append(piece)
    if len(bits) < FEWEST:
        return list(pieces)
    ink = together(bits)
    near = ndimage.label(highest(ink.mask, 2 * round(APART * height / 2) + 1), EIGHT)[0]
    heaps: dict[int, list[Piece]] = defaultdict(list)
    for bit in bits:
        row, column = np.argwhere(bit.mask)[0]
        heaps[int(near[bit.top - ink.top + row, bit.left - ink.left + column])].append(bit)
    for heap in heaps.values():
        whole += [together(heap)] if _is_digit(heap, height) else heap
    return whole


def _is_digit(bits: Sequence[Piece], height: float) -> bool:
    """Tell bits of one digit from dirt, dashed lines and digits beside each other."""
    tall = max(bit.bottom for bit in bits) - min(bit.top for bit in bits)
    wide = max(bit.right for bit in bits) - min(bit.left for bit in bits)
    large = [bit for bit in bits if max(bit.height, bit.width) > SPECK * height]
    return (
        len(bits) >= FEWEST
        and LOWEST * height < tall < TALLEST * height
        and NARROWEST * height < wide < WIDEST * height
        and sum(int(bit.mask.sum()) for bit in large) > LEAST * height**2
        and tall > STACKED * max(bit.height for bit in bits)
    )
