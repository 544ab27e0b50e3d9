"""Folders of pictures, and Parquet with pictures in it."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from inkdigits.data import load
from inkdigits.errors import DataError


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture
def picture(digits):
    return png(digits.images[0])


def test_flat_folder_has_names_but_no_labels(digits, tmp_path):
    for i in range(3):
        write(tmp_path / f"scan{i}.png", png(digits.images[i]))
    write(tmp_path / "readme.txt", b"hello")
    loaded = load(tmp_path)
    assert loaded.labels is None
    assert list(loaded.ids) == ["scan0.png", "scan1.png", "scan2.png"]
    assert np.array_equal(loaded.images, digits.images[:3])


def test_labelled_ids_are_paths_within_the_folder(picture, tmp_path):
    write(tmp_path / "3" / "b.png", picture)
    write(tmp_path / "0" / "a.PNG", picture)
    loaded = load(tmp_path)
    assert list(loaded.ids) == ["0/a.PNG", "3/b.png"]
    assert loaded.labels.tolist() == [0, 3]


def test_paper_becomes_white_ink_on_black(digits, tmp_path):
    large = np.kron(255 - digits.images[0], np.ones((5, 5), np.uint8))
    write(tmp_path / "0" / "a.png", png(large))
    image = load(tmp_path).images[0]
    assert image.shape == (28, 28)
    assert not image[0].any()
    assert np.abs(image.astype(int) - digits.images[0]).mean() < 12


def test_light_pictures_of_the_right_size_are_turned_too(digits, tmp_path):
    write(tmp_path / "0" / "a.png", png(255 - digits.images[0]))
    assert load(tmp_path).images[0, 0, 0] == 0


def test_faults_of_folders(picture, tmp_path):
    write(tmp_path / "broken" / "3" / "good.png", picture)
    write(tmp_path / "broken" / "3" / "bad.png", picture[:-30])
    with pytest.raises(DataError, match=r"bad\.png: the picture is damaged or cut short"):
        load(tmp_path / "broken")
    write(tmp_path / "named" / "3" / "a.png", picture)
    write(tmp_path / "named" / "cat" / "a.png", picture)
    with pytest.raises(DataError, match=r"the folder 'cat' is no label; .* called 0 to 9"):
        load(tmp_path / "named")
    write(tmp_path / "mixed" / "3" / "a.png", picture)
    write(tmp_path / "mixed" / "b.png", picture)
    with pytest.raises(DataError, match=r"b\.png lies beside the label folders"):
        load(tmp_path / "mixed")
    write(tmp_path / "nested" / "3" / "a.png", picture)
    write(tmp_path / "nested" / "3" / "more" / "b.png", picture)
    with pytest.raises(DataError, match=r"3: the folder 'more' lies in a label's folder; move"):
        load(tmp_path / "nested")
    write(tmp_path / "none" / "train.csv", b"label")
    with pytest.raises(DataError, match=r"no pictures in it; it holds train\.csv"):
        load(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no pictures in it; give a folder with \.png"):
        load(tmp_path / "empty")


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_faults_of_parquet(picture, tmp_path):
    images = [{"bytes": picture, "path": None}] * 3
    path = parquet(tmp_path / "a.parquet", image=images, label=[1, 2, 12])
    with pytest.raises(DataError, match=r"label 12 of image 2"):
        load(path)
    broken = [*images[:2], {"bytes": picture[:-30], "path": None}]
    with pytest.raises(DataError, match=r"a\.parquet, row 2: the picture is damaged"):
        load(parquet(path, image=broken, label=[1, 2, 3]))
    missing = [*images[:2], {"bytes": None, "path": "3.png"}]
    with pytest.raises(DataError, match=r"a\.parquet, row 2: the picture is missing"):
        load(parquet(path, image=missing, label=[1, 2, 3]))
    with pytest.raises(DataError, match="has columns img, label; image"):
        load(parquet(path, img=images, label=[1, 2, 3]))
    with pytest.raises(DataError, match="label nan of image 1"):
        load(parquet(path, image=images, label=[1, None, 3]))
    with pytest.raises(DataError, match="no images in it"):
        load(parquet(path, image=pa.array([], pa.struct({"bytes": pa.binary()}))))
    content = parquet(path, image=images, label=[1, 2, 3]).read_bytes()
    path.write_bytes(content[:-20])
    with pytest.raises(DataError, match="damaged or cut short"):
        load(path)


def test_parquet_without_labels(picture, tmp_path):
    path = parquet(tmp_path / "a.parquet", image=[{"bytes": picture, "path": None}])
    assert load(path).labels is None
