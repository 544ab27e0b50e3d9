import zipfile

import numpy as np
import pytest

from inkdigits.data import files, load
from inkdigits.errors import DataError


def save(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


IMAGES = np.zeros((3, 28, 28), np.uint8)
LABELS = np.arange(3)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"pixels": IMAGES}, r"holds pixels; x_train and y_train, or x and y, belong there"),
        ({"x": IMAGES, "y": LABELS[:2]}, "3 images but 2 labels"),
        ({"x": IMAGES, "y": LABELS + 9}, r"label 10 of image 1 .* is not a digit"),
        ({"x": IMAGES / 3 + 0.1, "y": LABELS}, "pixel values are fractions"),
        ({"x": IMAGES > 0}, r"\(x\): pixel values are true and false; multiply them by 255"),
        ({"x": np.zeros((3, 16, 16), bool)}, r"\(x\): pixel values are true and false"),
        ({"x": IMAGES.astype(int) - 1, "y": LABELS}, r"\(x\): pixel values run from -1 to -1"),
        ({"x": np.full((3, 16, 16), 300), "y": LABELS}, "images of 16×16 hold int64 that are not"),
        ({"x": np.zeros((3, 32, 32, 3), np.uint8)}, r"images have shape \(3, 32, 32, 3\)"),
        ({"x": np.array([{}, {}], object)}, r"\(x\): holds pickled Python objects"),
        ({"x": IMAGES, "y": np.array(["a", "b", "c"])}, "labels have shape"),
        ({"x": IMAGES[:0]}, "there are no images in it"),
    ],
)
def test_fault_is_named(arrays, says, tmp_path):
    path = save(tmp_path / "data.npz", **arrays)
    with pytest.raises(DataError, match=says) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))


def test_without_labels(tmp_path):
    assert load(save(tmp_path / "data.npz", x=IMAGES)).labels is None


@pytest.mark.parametrize("side", [16, 32])
def test_other_sizes_are_normalised(side, tmp_path):
    bar = np.full((2, side, side), 255, np.uint8)
    bar[:, 2:-2, 4:8] = 0  # dark ink on a light ground
    loaded = load(save(tmp_path / "data.npz", x=bar, y=[1, 1]))
    assert loaded.images.shape == (2, 28, 28)
    assert loaded.images[0, 14, 14] == 255
    assert not loaded.images[0, :, 0].any()


def test_damaged_archives(tmp_path):
    content = save(tmp_path / "good.npz", x=IMAGES, y=LABELS).read_bytes()
    (tmp_path / "short.npz").write_bytes(content[:-60])
    with pytest.raises(DataError, match="damaged or cut short"):
        load(tmp_path / "short.npz")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("x.npy", b"not an array")
    with pytest.raises(DataError, match=r"\(x\.npy\).*|x.*is not a whole NumPy array"):
        load(tmp_path / "other.npz")


def test_unpacking_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LIMIT", 1000)
    with pytest.raises(DataError, match="would unpack to more than 4 GiB"):
        load(save(tmp_path / "data.npz", x=IMAGES))
