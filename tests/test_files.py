import resource
from pathlib import Path

import pytest

from inkdigits.errors import InkdigitsError
from inkdigits.files import whole_file


def test_the_file_appears_only_when_the_block_ends(tmp_path):
    path = tmp_path / "result.txt"
    with whole_file(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_keeps_what_was_there(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("before")

    def fail_halfway():
        with whole_file(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with (
            pytest.raises(InkdigitsError, match=r"^\S*result\.txt: cannot be written \(File too"),
            whole_file(tmp_path / "result.txt") as temporary,
        ):
            temporary.write_bytes(bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_one_line(tmp_path):
    with (
        pytest.raises(InkdigitsError, match="No such file or directory") as caught,
        whole_file(tmp_path / "none" / "result.txt") as temporary,
    ):
        temporary.write_text("")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", [Path("/dev/null"), Path("/")])
def test_devices_and_folders_are_never_replaced(path):
    with pytest.raises(InkdigitsError, match="not a regular file"), whole_file(path):
        pass


def test_a_link_keeps_pointing_at_the_new_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with whole_file(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize("name", ["loop", "n" * 300])
def test_a_name_that_leads_nowhere_is_one_line(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with (
        pytest.raises(InkdigitsError, match=r"cannot be written .*name another file"),
        whole_file(tmp_path / name),
    ):
        pass
