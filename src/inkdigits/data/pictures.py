"""Many pictures, or an array of them, to digit images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkdigits.errors import DataError
from inkdigits.images import SIZE, Images, check_images, normalise


def from_pictures(pictures: Sequence[Images]) -> Images:
    """Bring grey pictures (H, W) of one source to uint8 (N, 28, 28).

    If all are 28×28 on a dark ground they are digit images already, and none is touched; otherwise
    each goes through ``images.normalise``.
    """
    if all(picture.shape == (SIZE, SIZE) for picture in pictures):
        stack = np.stack(pictures)
        if np.median(np.concatenate([stack[:, 0], stack[:, -1]])) <= 127:
            return stack
    return np.stack([normalise(picture) for picture in pictures])


def from_array(array: NDArray[Any], where: object) -> Images:
    """Bring an array (N, H, W) to uint8 (N, 28, 28); one of 28×28 is checked and not touched.

    Raises DataError as ``check_images`` does; another size must be a whole-number type in 0–255.
    """
    other_size = array.ndim == 3 and array.shape[1:] != (SIZE, SIZE) and 0 not in array.shape
    if not other_size or array.dtype == bool:
        return check_images(array, where)
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
        raise DataError(
            f"images of {array.shape[1]}×{array.shape[2]} hold {array.dtype} that are not all "
            "0–255; scale them to whole numbers 0–255",
            where,
        )
    return np.stack([normalise(picture) for picture in array.astype(np.uint8)])
