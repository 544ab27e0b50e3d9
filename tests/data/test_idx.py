import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inkdigits.data import files, load
from inkdigits.errors import DataError

IMAGES = "train-images-idx3-ubyte"
LABELS = "train-labels-idx1-ubyte"


def idx(array, magic=None):
    magic = 0x800 + array.ndim if magic is None else magic
    return struct.pack(f">{array.ndim + 1}I", magic, *array.shape) + array.tobytes()


@pytest.fixture
def pair(tmp_path):
    def write(images, labels):
        (tmp_path / IMAGES).write_bytes(images)
        if labels is not None:
            (tmp_path / LABELS).write_bytes(labels)
        return tmp_path / IMAGES

    return write


TWO = np.zeros((2, 28, 28), np.uint8)
ONES = np.ones(2, np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "file", "says"),
    [
        (idx(TWO, 0x804), idx(ONES), IMAGES, "magic number 0x00000804 where 0x00000803"),
        (idx(TWO), b"", LABELS, "the file is empty; copy or download it again"),
        (b"nothing like it", idx(ONES), IMAGES, "magic number 0x6e6f7468 where"),
        (idx(TWO), idx(ONES, 0x802), LABELS, "magic number 0x00000802 where 0x00000801"),
        (idx(TWO)[:-1], idx(ONES), IMAGES, "1,567 bytes of data where its header says 1,568"),
        (idx(TWO) + b"\0", idx(ONES), IMAGES, "more bytes of data where its header says 1,568"),
        (idx(TWO)[:10], idx(ONES), IMAGES, "ends within its header"),
        (idx(TWO), idx(ONES)[:-1], LABELS, "1 bytes of data where its header says 2"),
        (idx(TWO), idx(np.ones(3, np.uint8)), LABELS, "3 labels for the 2 images"),
        (idx(ONES), None, IMAGES, "holds labels; give the images file"),
        (struct.pack(">4I", 0x803, 2**31, 28, 28), None, IMAGES, "claims 1,683,627,180,032 bytes"),
        (idx(TWO), idx(ONES * 11), None, r"label 11 of image 0 .* is not a digit 0–9"),
        (idx(TWO[:0]), idx(ONES[:0]), None, "there are no images in it"),
    ],
)
def test_fault_is_placed(images, labels, file, says, pair, tmp_path):
    path = pair(images, labels)
    with pytest.raises(DataError, match=says) as caught:
        load(path)
    assert caught.value.where == str(tmp_path / (file or IMAGES))


def test_gzip_cut_short(tmp_path):
    packed = gzip.compress(idx(np.random.default_rng(0).integers(0, 256, (9, 28, 28), np.uint8)))
    path = tmp_path / f"{IMAGES}.gz"
    path.write_bytes(packed[:-2000])
    with pytest.raises(DataError, match="damaged or cut short"):
        load(path)


def test_images_alone_have_no_labels(pair):
    assert load(pair(idx(TWO), None)).labels is None


def test_lone_test_set_is_the_data(tmp_path):
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(TWO))
    loaded = load(tmp_path)
    assert len(loaded) == 2
    assert loaded.test is None


def test_other_sizes_are_normalised(pair):
    bar = np.zeros((1, 40, 40), np.uint8)
    bar[:, 5:25, 8:11] = 255
    loaded = load(pair(idx(bar), idx(ONES[:1])))
    assert loaded.images.shape == (1, 28, 28)
    rows = np.flatnonzero(loaded.images[0].any(axis=1))
    assert rows[-1] - rows[0] + 1 == 20


def test_unreadable_file(pair, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    path = pair(idx(TWO), None)
    monkeypatch.setattr(files, "open_file", refuse)
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)"):
        load(path)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    images=arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(28), st.just(28))),
    pack=st.booleans(),
)
def test_round_trip(images, pack, tmp_path):
    labels = np.arange(len(images), dtype=np.uint8)
    for name, array in ((IMAGES, images), (LABELS, labels)):
        content = idx(array)
        (tmp_path / name).write_bytes(gzip.compress(content) if pack else content)
    loaded = load(tmp_path / IMAGES)
    assert np.array_equal(loaded.images, images)
    assert np.array_equal(loaded.labels, labels)
