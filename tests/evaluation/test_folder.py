import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from inkdigits.errors import InkdigitsError
from inkdigits.evaluation.folder import write_folder

OWN = ("a.png", "b.png", "index.html")


@contextmanager
def disk_that_takes(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_new_folder_appears_with_its_parents(tmp_path):
    folder = tmp_path / "runs" / "one" / "report"
    write_folder(folder, {"a.png": b"a", "index.html": b"i"}, OWN)
    assert content(folder) == {"a.png": b"a", "index.html": b"i"}
    assert list(folder.parent.iterdir()) == [folder]


def test_former_report_is_replaced_and_what_it_alone_had_goes(tmp_path):
    folder = tmp_path / "report"
    write_folder(folder, {"a.png": b"1", "b.png": b"1", "index.html": b"1"}, OWN)
    write_folder(folder, {"a.png": b"2", "index.html": b"2"}, OWN)
    assert content(folder) == {"a.png": b"2", "index.html": b"2"}
    assert list(tmp_path.iterdir()) == [folder]


def test_files_of_others_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "b.png").write_text("mine too")  # one of our names, but no report stood here
    write_folder(tmp_path, {"a.png": b"1", "index.html": b"1"}, OWN)
    assert content(tmp_path) == {
        "notes.txt": b"mine", "b.png": b"mine too", "a.png": b"1", "index.html": b"1"
    }  # fmt: skip


def test_full_disk_is_one_line_and_the_former_report_stays(tmp_path):
    folder = tmp_path / "report"
    write_folder(folder, {"a.png": b"1", "index.html": b"1"}, OWN)
    with disk_that_takes(1000), pytest.raises(InkdigitsError, match="cannot be written") as caught:
        write_folder(folder, {"a.png": b"2", "index.html": bytes(2000)}, OWN)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    assert content(folder) == {"a.png": b"1", "index.html": b"1"}
    assert list(tmp_path.iterdir()) == [folder]


def test_file_in_the_folders_place_is_one_line(tmp_path):
    (tmp_path / "report").write_text("a file")
    with pytest.raises(InkdigitsError, match="cannot be written"):
        write_folder(tmp_path / "report", {"index.html": b""}, OWN)
    assert (tmp_path / "report").read_text() == "a file"


@pytest.mark.parametrize("name", ["index.html", "b.png"])
def test_folder_in_a_files_place_is_one_line_and_the_rest_stays(tmp_path, name):
    (tmp_path / "a.png").write_bytes(b"1")
    (tmp_path / name).mkdir()
    with pytest.raises(InkdigitsError, match=f"{name}: is a folder, where a file"):
        write_folder(tmp_path, {"a.png": b"2", "index.html": b"2"}, OWN)
    assert (tmp_path / "a.png").read_bytes() == b"1"
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", name}


def test_place_that_takes_no_folder_is_one_line():
    with pytest.raises(InkdigitsError, match="cannot be written"):
        write_folder(Path("/proc/report"), {"index.html": b""}, OWN)


def test_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_folder(tmp_path / "link", {"index.html": b"1"}, OWN)
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real") == {"index.html": b"1"}


def test_working_folder_can_be_written_into(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(Path(), {"index.html": b"1"}, OWN)
    write_folder(Path(), {"index.html": b"2"}, OWN)
    assert list(Path().iterdir()) == [Path("index.html")]  # still the folder that we stand in
