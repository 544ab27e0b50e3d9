"""Zip archives read by parts of their table of contents: every file once, whatever the form."""

import struct
import zipfile

import pytest

from inkdigits.cluster.zips import entries, open_part

NAMES = [f"in/{i}-é.txt" for i in range(20)]


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.comment = b"a comment PK"
        for i, name in enumerate(NAMES):
            file.writestr(name, f"{i}" * i, [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED][i % 2])
    return path


def read_all(path, size):
    """Return names and contents, by parts of ``size`` entries."""
    found, content = list(entries(path)), {}
    for first in range(0, len(found), size):
        some = found[first : first + size]
        with path.open("rb") as file, open_part(file, some[0][1], some[-1][2]) as part:
            assert len(part.namelist()) == len(some)
            for name in part.namelist():
                assert name not in content
                content[name] = part.read(name).decode()
    return content


EXPECTED = {name: f"{i}" * i for i, name in enumerate(NAMES)}


@pytest.mark.parametrize("size", [1, 3, 20])
def test_the_parts_are_the_whole(size, archive):
    assert [name for name, _, _ in entries(archive)] == NAMES
    assert read_all(archive, size) == EXPECTED


def test_with_something_before_it(archive, tmp_path):
    path = tmp_path / "installer.exe"
    path.write_bytes(b"#!/bin/sh\n" * 100 + archive.read_bytes())
    assert read_all(path, 7) == EXPECTED


def test_with_the_wide_end_record_of_large_archives(archive, tmp_path, monkeypatch):
    path = tmp_path / "wide.zip"
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 5)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in EXPECTED.items():
            file.writestr(name, content)
    assert b"PK\6\7" in path.read_bytes()
    assert read_all(path, 7) == EXPECTED


def test_beyond_four_gibibytes(tmp_path):
    path = tmp_path / "large.zip"
    with path.open("wb") as hole:
        hole.truncate(2**32 + 10)  # takes no room on the disk
    with zipfile.ZipFile(path, "a") as file:
        for name, content in EXPECTED.items():
            file.writestr(name, content)
    assert read_all(path, 7) == EXPECTED


def cut_short(content):
    return content[: len(content) // 2]


def no_entry(content):
    return content.replace(b"PK\1\2", b"PK\1\3")


def claims_much(content):
    end = content.rfind(b"PK\5\6")
    return content[: end + 12] + struct.pack("<L", 2**31) + content[end + 16 :]


@pytest.mark.parametrize("damage", [cut_short, no_entry, claims_much, lambda content: b""])
def test_a_damaged_one_is_told(damage, archive):
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(zipfile.BadZipFile):
        list(entries(archive))
