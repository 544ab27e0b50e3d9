import io
import json

import numpy as np
import pytest
from PIL import Image

from inkdigits.cli import main


@pytest.fixture
def call(write, tmp_path, monkeypatch, capsys):
    """Call inkdigits read with a linear reader, in a folder with a page and a broken file."""
    reader = write({"threshold": "0"})
    page = np.full((120, 200), 230, np.uint8)
    page[30:90, 50:60] = page[30:90, 160:170] = 30
    Image.fromarray(page).save(tmp_path / "page.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = main(["read", "--reader", str(reader), *words])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_text_of_each_line(call):
    code, out, err = call("page.png")
    assert (code, err) == (0, "")
    assert len(out.strip()) == 2
    assert out.strip().isdigit()


def test_json_is_a_list(call):
    code, out, _ = call("page.png", "page.png", "--json")
    assert code == 0
    first, second = json.loads(out)
    assert first == second
    assert set(first) == {"image", "lines", "refused"}
    assert first["image"] == "page.png"
    (line,) = first["lines"]
    assert line["text"] == "".join(str(digit["digit"]) for digit in line["digits"])
    assert {"digit", "probability", "box"} <= set(line["digits"][0])


def test_one_refuses_several(call):
    _, out, _ = call("page.png", "--one", "--json")
    assert json.loads(out)[0]["refused"].startswith("several digits")


def test_a_bad_picture_does_not_lose_the_others(call):
    code, out, err = call("broken.png", "page.png", "--json")
    assert code == 3
    assert err.count("\n") == 1
    assert "broken.png" in err
    broken, page = json.loads(out)
    assert broken["lines"] == []
    assert broken["error"]
    assert len(page["lines"]) == 1


def test_of_several_bad_pictures_each_is_one_line_and_there_is_no_result(call, tmp_path):
    (tmp_path / "bad\nname.png").write_bytes(b"")
    code, out, err = call("broken.png", "bad\nname.png")
    assert (code, out) == (3, "")
    assert err.count("\n") == 2


def test_one_bad_picture_is_one_error(call):
    code, out, err = call("broken.png")
    assert (code, out) == (3, "")
    assert err.startswith("inkdigits: broken.png: ")
    assert err.count("\n") == 1


def test_boxes_are_drawn(call, tmp_path):
    assert call("page.png", "--boxes", "out.png")[0] == 0
    with Image.open(tmp_path / "out.png") as drawn:
        assert drawn.size == (200, 120)
    assert call("page.png", "page.png", "--boxes", "out.png")[0] == 2


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ("page.png", "page.png: would overwrite page.png, which is read; name another file"),
        ("link.png", "link.png: would overwrite page.png, which is read; name another file"),
        ("boxes.jpg", "--boxes writes PNG; name a file that ends in .png, not boxes.jpg"),
    ],
)
def test_the_picture_itself_is_never_drawn_over(call, tmp_path, boxes, message):
    (tmp_path / "link.png").symlink_to("page.png")
    before = (tmp_path / "page.png").read_bytes()
    code, _, err = call("page.png", "--boxes", boxes)
    assert code == 2
    assert err == f"inkdigits: {message}\n"
    assert (tmp_path / "page.png").read_bytes() == before
    assert not (tmp_path / "boxes.jpg").exists()


def test_a_name_that_the_terminal_cannot_write_loses_no_result(call, tmp_path, monkeypatch):
    (tmp_path / "page.png").rename(tmp_path / "für.png")
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", out)
    assert call("für.png", "für.png")[0] == 0
    out.seek(0)
    assert out.read().count(r"f\xfcr.png") == 2


@pytest.mark.parametrize("words", [["missing.png"], ["missing.png", "--json"]])
def test_a_reader_of_our_output_that_has_gone_is_no_traceback(call, monkeypatch, words):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Gone())
    monkeypatch.setattr("sys.stderr", Gone())
    assert call(*words)[0] == 1
