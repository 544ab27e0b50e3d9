"""The contract of a digit image, and the check at every boundary."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkdigits.errors import DataError

SIZE = 28
INK_BOX = 20
CENTRE = 14

Images = NDArray[np.uint8]


def check_images(images: NDArray[Any], where: object = None) -> Images:
    """Return ``images`` as contiguous uint8 (N, 28, 28); N may be 0.

    Accepts (28, 28), (N, 28, 28), (N, 28, 28, 1) and (N, 784) of any integer or float type whose
    values lie in 0–255. Raises DataError for other shapes and for values outside 0–255.
    """
    array = np.asarray(images)
    if array.dtype == bool:
        raise DataError("pixel values are true and false; multiply them by 255", where)
    if array.dtype == object or array.dtype.kind not in "iuf":
        raise DataError(f"images hold {array.dtype}, not numbers; give uint8 values 0–255", where)
    if array.shape == (SIZE, SIZE):
        array = array[None]
    elif array.ndim == 4 and array.shape[1:] == (SIZE, SIZE, 1):
        array = array[..., 0]
    elif array.ndim == 2 and array.shape[1] == SIZE * SIZE:
        array = array.reshape(-1, SIZE, SIZE)
    if array.ndim != 3 or array.shape[1:] != (SIZE, SIZE):
        raise DataError(
            f"images have shape {array.shape} where (N, 28, 28) belongs; "
            "normalise pictures of another size first",
            where,
        )
    if array.dtype != np.uint8 and array.size:
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= 255):
            raise DataError(f"pixel values run from {low} to {high}; 0–255 belong there", where)
        if array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
            raise DataError("pixel values are fractions; scale them to whole numbers 0–255", where)
    return np.ascontiguousarray(array, dtype=np.uint8)
