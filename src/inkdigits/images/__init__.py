"""What a digit image is, and how any picture becomes one.

A digit image is ``uint8 (28, 28)``, white ink (255) on black (0), in MNIST's geometry: the ink
fitted into 20×20, its centre of mass at pixel (14, 14) (LeCun et al., the MNIST database page).
"""

from inkdigits.images.contract import CENTRE, INK_BOX, SIZE, Images, check_images
from inkdigits.images.decoding import MAX_BYTES, decode, read_picture, to_grey
from inkdigits.images.ink import find_ink
from inkdigits.images.normalising import fit_ink, normalise

__all__ = [
    "CENTRE",
    "INK_BOX",
    "MAX_BYTES",
    "SIZE",
    "Images",
    "check_images",
    "decode",
    "find_ink",
    "fit_ink",
    "normalise",
    "read_picture",
    "to_grey",
]
