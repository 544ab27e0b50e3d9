"""Following strokes where they thin out: ink that is judged by its own digit, not by a darker one.

What is ink is judged first by the darkest ink nearby, so that the blur around it and the ruling
beside it stay out. A hair-thin stroke beside a bold digit is then lost in part. Here each piece
goes on into what is as dark as half of itself (hysteresis, as in Canny's edge detector, 1986), but
not along ruling, not into other pieces, and not into the dark beside the page.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from inkdigits.images.windows import highest
from inkdigits.reading.ink import EIGHT, Ink, Mask
from inkdigits.reading.pieces import SHALLOW, Piece, Usual, find_pieces, level

REACH = 0.4  # digit's heights that a piece may grow, either way
AS_DARK = 0.5  # of the piece's own contrast
APART = 2  # pixels that stay free around other pieces
MOST = 10  # times the picture's area is looked at; bounds time on pictures that are no page


def with_thin_strokes(pieces: Sequence[Piece], ink: Ink, ruling: Mask, page: Usual) -> list[Piece]:
    """Return ``pieces`` with what goes on from them; those that met are one.

    ``ruling``: bool (h, w), where lines run. ``page``: what its digits are like.
    """
    reach = round(REACH * page.height)
    if sum(ink.mask[_box(piece, reach)].size for piece in pieces) > MOST * ink.mask.size:
        return list(pieces)
    numbers = np.zeros(ink.mask.shape, np.int32)
    for number, piece in enumerate(pieces, start=1):
        numbers[_box(piece)][piece.mask] = number
    whole = numbers > 0
    open_to_all = ink.faint & ~ruling & (ink.contrast * ink.paper > SHALLOW * page.depth)
    for number, piece in enumerate(pieces, start=1):
        box = _box(piece, reach)
        own = numbers[box] == number
        others = highest((numbers[box] > 0) & ~own, 2 * APART + 1)
        dark = ink.contrast[box] > AS_DARK * level(piece, ink)
        grown = ndimage.binary_propagation(own, EIGHT, own | (open_to_all[box] & dark & ~others))
        whole[box] |= grown
    return find_pieces(whole)


def _box(piece: Piece, margin: int = 0) -> tuple[slice, slice]:
    rows = slice(max(0, piece.top - margin), piece.bottom + margin)
    return rows, slice(max(0, piece.left - margin), piece.right + margin)
