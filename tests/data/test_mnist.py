"""The MNIST that ships is the official one, byte for byte."""

import hashlib
import struct

import numpy as np
import pytest

from inkdigits.data import load

# MD5 sums of the four IDX files, unpacked, as published for http://yann.lecun.com/exdb/mnist.
OFFICIAL = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
FINGERPRINT = "43f15dd62f5717ff8110ab4995c46343cf361a49662e9fbbf2dd48d5d8e9face"


@pytest.mark.parametrize("name", OFFICIAL)
def test_arrays_are_the_official_files(name, mnist):
    part = mnist if name.startswith("train") else mnist.test
    array = part.images if "images" in name else part.labels
    head = struct.pack(f">{array.ndim + 1}I", 0x800 + array.ndim, *array.shape)
    assert hashlib.md5(head + array.tobytes()).hexdigest() == OFFICIAL[name]


def test_mnist42k_is_a_fixed_part_of_the_70000(mnist):
    drawn = load("mnist42k")
    assert (len(drawn), len(drawn.test)) == (42_000, 28_000)
    assert drawn.source == "mnist42k"
    assert drawn.fingerprint() == FINGERPRINT
    parts = [mnist, mnist.test]
    whole = sorted(image.tobytes() for part in parts for image in part.images)
    both = sorted(image.tobytes() for part in (drawn, drawn.test) for image in part.images)
    assert both == whole
    assert np.bincount(drawn.labels).min() > 3500
