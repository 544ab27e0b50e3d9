import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from inkdigits.images.windows import highest, lowest

grids = arrays(
    st.sampled_from([np.bool_, np.uint8, np.float32]),
    array_shapes(min_dims=2, max_dims=2, max_side=20),
)
sides = st.integers(0, 15).map(lambda half: 2 * half + 1)


def by_scipy(name, values, side, axis):
    wide = values.astype(np.float64)  # scipy has no such filters for masks
    if axis is None:
        filtered = getattr(ndimage, f"{name}_filter")(wide, side, mode="nearest")
    else:
        filtered = getattr(ndimage, f"{name}_filter1d")(wide, side, axis, mode="nearest")
    return filtered.astype(values.dtype)


@given(values=grids, side=sides, axis=st.sampled_from([None, 0, 1]))
def test_the_extremes_are_those_of_scipys_filters(values, side, axis):
    values = np.nan_to_num(values)
    for ours, name in ((highest, "maximum"), (lowest, "minimum")):
        found = ours(values, side, axis)
        assert found.dtype == values.dtype
        np.testing.assert_array_equal(found, by_scipy(name, values, side, axis))


def test_the_edge_repeats():
    values = np.array([[9, 0, 0, 0]], np.uint8)
    assert lowest(values, 3).tolist() == [[0, 0, 0, 0]]
    assert highest(values, 3).tolist() == [[9, 9, 0, 0]]
