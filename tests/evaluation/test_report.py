import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from inkdigits.errors import DataError, InkdigitsError
from inkdigits.evaluation import evaluate, write_report
from inkdigits.evaluation.report import FILES

NASTY = "<script>alert(1)</script><img src=http://example.org/x>"


class Page(HTMLParser):
    """What a browser would fetch from a page, and what a person would read on it."""

    def __init__(self, source):
        super().__init__()
        self.fetched, self.tags, self.words, self.alts = [], set(), "", []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            if name in {"src", "srcset", "href", "data", "action", "poster"}:
                self.fetched.append(value)
            if name == "alt":
                self.alts.append(value)

    def handle_data(self, data):
        self.words += data.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def report(tmp_path_factory, sample, history):
    folder = tmp_path_factory.mktemp("run") / "report"
    write_report(folder, *sample, title=NASTY, history=history, provenance={"Reader": NASTY})
    return folder


def read(folder):
    return Page((folder / "index.html").read_text("utf-8"))


def test_report_has_its_files_and_the_pictures_decode(report):
    assert {path.name for path in report.iterdir()} == set(FILES)
    for path in report.glob("*.png"):
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == "PNG"


def test_page_fetches_nothing_and_runs_nothing(report):
    page = read(report)
    assert len(page.fetched) == 10  # five figures, light and dark
    assert all(value.startswith("data:image/png;base64,") for value in page.fetched)
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "base"}
    assert not re.search(r"url\(|@import", (report / "index.html").read_text("utf-8"))


def test_page_shows_title_and_provenance_as_written(report):
    assert read(report).words.count(NASTY) == 3  # in the head, above the page, at its end


def test_page_says_in_words_what_was_measured(report):
    words = read(report).words
    assert "294 of 300 digits read rightly: 98.00 % (95 % interval 95.71–99.08 %)." in words
    assert "2 was read as 7 (four times) and 9 as 4 (twice)." in words
    assert "Hardest is the 2, of which 86.67 % were read rightly" in words
    assert "All six, the most confident first." in words
    assert "After 5 epochs its accuracy on the validation images was 98.00 %" in words
    assert "transposed" in words


def test_pictures_have_alternative_texts(report):
    alts = read(report).alts
    assert len(alts) == 5
    assert all(len(alt) > 40 for alt in alts)


def test_numbers_are_those_of_evaluate(report, sample):
    _, labels, probabilities = sample
    numbers = json.loads((report / "evaluation.json").read_text())
    expected = json.loads(json.dumps(evaluate(labels, probabilities).to_json()))
    assert {key: numbers[key] for key in expected} == expected
    assert (numbers["title"], numbers["provenance"]) == (NASTY, {"Reader": NASTY})


def test_same_input_gives_the_same_bytes(report, sample, history, tmp_path):
    again = tmp_path / "again"
    write_report(again, *sample, title=NASTY, history=history, provenance={"Reader": NASTY})
    for name in FILES:
        assert (again / name).read_bytes() == (report / name).read_bytes()


def test_report_without_history_leaves_no_curves_of_a_former_one(report, sample, tmp_path):
    folder = shutil.copytree(report, tmp_path / "report")
    write_report(folder, *sample, title="Second")
    assert {path.name for path in folder.iterdir()} == set(FILES) - {"curves.png"}
    assert "How it learned" not in read(folder).words


def test_one_image_read_rightly(tmp_path):
    result = write_report(
        tmp_path / "report",
        np.zeros((1, 28, 28), np.uint8),
        np.array([7], np.uint8),
        np.eye(10, dtype=np.float32)[[7]],
        title="One",
    )
    assert result.errors.size == 0
    words = read(tmp_path / "report").words
    assert "1 of 1 digit read rightly: 100.00 % (95 % interval 20.65–100.00 %)." in words
    assert "Nothing: every digit was read as what it is." in words
    assert "There are none to show." in words
    assert "There are images of the 7 only." in words
    assert not re.search(r"\bnan\b", words, re.IGNORECASE)


@pytest.mark.parametrize(("count", "phrase"), [(1, "There is one."), (2, "Both, the more")])
def test_few_errors_are_told_in_good_english(tmp_path, sample, count, phrase):
    images, labels, _ = sample
    predicted = labels.copy()
    predicted[:count] = 5
    probabilities = np.eye(10, dtype=np.float32)[predicted]
    write_report(tmp_path / "report", images, labels, probabilities, title="Few")
    assert phrase in read(tmp_path / "report").words


def test_verdict_on_trust(tmp_path, sample):
    images, labels, _ = sample
    predicted = np.where(np.arange(300) % 3, labels, 0)  # two thirds right, and wholly sure
    write_report(
        tmp_path / "report", images, labels, np.eye(10, dtype=np.float32)[predicted], title="Sure"
    )
    assert "It is surer than it should be." in read(tmp_path / "report").words


def test_arrays_that_do_not_belong_together_write_nothing(tmp_path, sample):
    images, labels, probabilities = sample
    with pytest.raises(DataError, match="299 images but 300 labels"):
        write_report(tmp_path / "report", images[:-1], labels, probabilities, title="")
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_is_one_line(tmp_path, sample):
    (tmp_path / "report").write_text("a file")
    with pytest.raises(InkdigitsError, match="cannot be written") as caught:
        write_report(tmp_path / "report", *sample, title="")
    assert "\n" not in str(caught.value)


def test_numbers_alone_load_no_matplotlib():
    code = (
        "import sys, inkdigits.evaluation; "
        "sys.exit(bool({'matplotlib', 'torch', 'onnxruntime', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
