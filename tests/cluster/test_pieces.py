"""Sources cut into pieces: each image once, what is broken told, nothing else lost."""

import json
import shutil

import numpy as np
import pytest

from inkdigits.cluster import pieces
from inkdigits.cluster.pieces import cut, read
from inkdigits.errors import DataError


def all_of(source):
    return [item for piece in cut([str(source)]) for item in read(piece)]


@pytest.mark.parametrize("size", [1, 7, 5000])
def test_each_image_of_a_mixed_folder_comes_once(size, mixed, digits, monkeypatch):
    monkeypatch.setattr(pieces, "_SIZE", size)
    items = all_of(mixed)
    names = [name for name, _ in items]
    assert len(set(names)) == len(names) == 132
    broken = {name.removeprefix(f"{mixed}/"): why for name, why in items if isinstance(why, str)}
    assert set(broken) == {"broken.png", "some.zip/bad.png", "rest.parquet, row 5"}
    assert "cut short" in broken["broken.png"]
    assert "not a picture" in broken["some.zip/bad.png"]
    assert "missing" in broken["rest.parquet, row 5"]
    found = sorted(image.tobytes() for _, image in items if not isinstance(image, str))
    expected = [image.tobytes() for i, image in enumerate(digits.images[:130]) if i != 65]
    assert found == sorted(expected)


def test_rows_keep_their_numbers(mixed, digits, monkeypatch):
    monkeypatch.setattr(pieces, "_SIZE", 20)
    items = dict(all_of(mixed / "rest.parquet"))
    assert len(items) == 70
    for row in (0, 19, 20, 32, 33, 69):
        assert np.array_equal(items[f"{mixed}/rest.parquet, row {row}"], digits.images[60 + row])


def test_the_pieces_are_the_same_every_time(mixed):
    assert list(cut([str(mixed)])) == list(cut([str(mixed)]))


def test_a_piece_has_one_size_however_much_it_holds(mixed):
    for place in (mixed / "some.zip", mixed / "deep"):
        (piece,) = cut([str(place)])
        assert len(piece.names) <= 2
        assert len(json.dumps(piece.as_dict())) < 200 + len(piece.path)


def test_a_picture_that_comes_later_is_in_no_piece_twice(mixed, digits, monkeypatch, tmp_path):
    monkeypatch.setattr(pieces, "_SIZE", 4)
    folder = shutil.copytree(mixed / "deep" / "er", tmp_path / "er")
    found = list(cut([str(folder)]))
    for name in ("0000.png", "0020.png", "0055.png", "9.png"):
        shutil.copy(folder / "000.png", folder / name)
    names = [name for piece in found for name, _ in read(piece)]
    assert len(set(names)) == len(names)
    assert {f"{folder}/{i:03}.png" for i in range(10)} <= set(names)


@pytest.mark.parametrize("name", ["some.zip", "more.tar.gz"])
def test_other_sources_are_one_piece_or_cut(name, mixed):
    assert len(list(cut([str(mixed / name)]))) == 1


def test_named_data_and_csv_are_streamed(tmp_path, digits):
    (piece,) = cut(["mnist"])
    name, image = next(read(piece))
    assert name == "mnist, 0"
    assert np.array_equal(image, digits.images[0])


@pytest.mark.parametrize("name", ["more.tar.gz", "rest.parquet", "some.zip"])
def test_a_source_that_breaks_off_is_told_and_stops_nothing(name, mixed, tmp_path):
    path = tmp_path / name
    shutil.copy(mixed / name, path)
    (piece, *_) = cut([str(path)])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    last, why = list(read(piece))[-1]
    assert last == str(path)
    assert isinstance(why, str)
    assert "damaged or cut short" in why


def test_what_is_no_source_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures, Parquet files or archives"):
        list(cut([str(tmp_path / "empty")]))
    with pytest.raises(DataError, match="no such file"):
        list(cut([str(tmp_path / "none.parquet")]))
    with pytest.raises(DataError, match="no such file"):
        list(cut([str(tmp_path / "none")]))
    with pytest.raises(DataError, match="no such file"):
        list(cut([str(tmp_path / "none.tar")]))


def test_a_damaged_file_in_a_folder_stops_nothing(mixed, tmp_path):
    for name in ("a.parquet", "b.zip", "c.tar"):
        (tmp_path / name).write_bytes(b"PK no such thing" * 50)
    shutil.copy(mixed / "some.zip", tmp_path / "whole.zip")
    items = all_of(tmp_path)
    told = [name for name, why in items if isinstance(why, str)]
    assert told[:3] == [str(tmp_path / name) for name in ("a.parquet", "b.zip", "c.tar")]
    assert len(items) == 3 + 31
