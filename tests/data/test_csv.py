"""What the CSV reader accepts, and that it names line and column of what it does not."""

import gzip
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inkdigits.data import csv_blocks, csv_rows, load, stream
from inkdigits.data.kaggle_csv import PIXELS
from inkdigits.errors import DataError

NAMES = ["label", *PIXELS]
HEADER = ",".join(NAMES)


def lines(rows=20):
    """A header and rows whose values have one, two and three digits."""
    row = ",".join(["7", *(str(i % 256) for i in range(784))])
    return [HEADER, *[row] * rows]


def changed(line, column, value):
    """The lines, with ``value`` at ``column`` of ``line`` (counted from 1 at the header)."""
    text = lines()
    cells = text[line - 1].split(",")
    cells[NAMES.index(column)] = value
    text[line - 1] = ",".join(cells)
    return text


def cut(line, values):
    text = lines()
    text[line - 1] = ",".join(text[line - 1].split(",")[:values])
    return text


FAULTS = {
    "cut in the middle": (cut(17, 300), ", line 17: 300 values where 785 belong; the row is cut"),
    "cut at the end": (cut(21, 784), ", line 21: 784 values where 785 belong; the row is cut"),
    "too long": ([*lines(), lines()[1] + ",0"], ", line 22: 786 values where 785 belong"),
    "over 255": (changed(9, "pixel12", "256"), ", line 9, column pixel12: 256 is not a pixel"),
    "far over": (changed(9, "pixel12", "1000"), ", line 9, column pixel12: 1000 is not a pixel"),
    "300": (changed(9, "pixel783", "300"), ", line 9, column pixel783: 300 is not a pixel"),
    "zeros before 300": (changed(9, "pixel2", 30 * "0" + "300"), ", line 9, column pixel2: 300 is"),
    "zeros before -1": (
        changed(9, "pixel2", "-" + 30 * "0" + "1"),
        ", line 9, column pixel2: -1 is",
    ),
    "endless": (
        changed(9, "pixel12", 999 * "1"),
        r", line 9, column pixel12: 1{20} is not a pixel",
    ),
    "negative": (changed(2, "pixel0", "-1"), ", line 2, column pixel0: -1 is not a pixel"),
    "text": (changed(21, "pixel3", "abc"), ", line 21, column pixel3: 'abc' is not a whole"),
    "fraction": (changed(3, "pixel3", "0.5"), ", line 3, column pixel3: '0.5' is not a whole"),
    "missing": (changed(3, "pixel3", ""), ", line 3, column pixel3: the value is missing"),
    "semicolon": (changed(3, "pixel3", "0;0"), ", line 3, column pixel3: '0;0' is not a whole"),
    "label": (changed(4, "label", "10"), ", line 4, column label: 10 is not a digit 0–9"),
    "no rows": ([HEADER], ": only a header, no rows"),
    "783 columns": ([",".join(NAMES[:-2])], ", line 1: 783 columns, the first called 'label'"),
    "no header": (lines()[1:], ", line 1: 785 columns"),
    "another name": ([HEADER.replace("pixel5,", "x,")], ", line 1: column 7 is called 'x' where"),
    "submission": (["ImageId,Label", "1,0"], r", line 1: this is Kaggle's sample_submission\.csv"),
}


def test_the_first_of_two_faults_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_blocks, "BLOCK", 4096)
    packed = gzip.compress("\n".join(changed(9, "pixel12", "256")).encode(), compresslevel=0)
    path = tmp_path / "train.csv.gz"
    path.write_bytes(packed[: len(packed) * 3 // 5])  # within line 13
    with pytest.raises(DataError, match="line 9, column pixel12: 256 is not a pixel"):
        load(path)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("block", [csv_blocks.BLOCK, 4096])
def test_fault_is_placed(fault, block, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_blocks, "BLOCK", block)
    text, says = FAULTS[fault]
    path = tmp_path / "train.csv"
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"train.csv{says}") as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_last_row_cut_short_without_newline(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("\n".join(lines())[:-400])
    with pytest.raises(DataError, match=r"line 21: \d+ values where 785 belong"):
        load(path)


def test_blank_lines_count_as_lines(tmp_path):
    path = tmp_path / "train.csv"
    text = changed(9, "pixel1", "x")
    path.write_text("\n".join([*text[:3], "", *text[3:]]))
    with pytest.raises(DataError, match="line 10, column pixel1"):
        load(path)


def test_zeros_before_a_value_change_nothing(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("\n".join(changed(9, "pixel2", 999 * "0" + "97")))
    assert load(path).images[7, 0, 2] == 97


def test_endless_line_is_an_error(tmp_path):
    path = tmp_path / "train.csv"
    path.write_bytes(HEADER.encode() + b"\n" + b"0," * 10**6)
    with pytest.raises(DataError, match=r"line 2: .* values where 785 belong"):
        load(path)


def test_unpacking_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_blocks, "LIMIT", 10_000)
    path = tmp_path / "train.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines(100)).encode()))
    with pytest.raises(DataError, match="unpacks to more than 4 GiB"):
        load(path)


@pytest.mark.parametrize("block", [csv_blocks.BLOCK, 4096])
def test_more_rows_than_the_size_of_the_archive_tells(block, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_blocks, "BLOCK", block)
    rows = np.arange(700 * 785).reshape(700, 785) // 785 % 10
    path = tmp_path / "train.csv.gz"
    text = "\n".join([HEADER, *(",".join(map(str, row)) for row in rows.tolist())])
    path.write_bytes(gzip.compress(text.encode()))
    assert path.stat().st_size < 100 * 2 * 785
    loaded = load(path)
    assert np.array_equal(loaded.labels, rows[:, 0])
    assert np.array_equal(loaded.images.reshape(-1, 784), rows[:, 1:])
    streamed = np.concatenate([part.images for part in stream(path)])
    assert np.array_equal(streamed, loaded.images)


def test_archives_cut_short_or_damaged(tmp_path):
    content = "\n".join(lines(200)).encode()
    packed = gzip.compress(content)
    (tmp_path / "short.csv.gz").write_bytes(packed[: len(packed) * 2 // 3])
    (tmp_path / "damaged.csv.gz").write_bytes(packed[:-8] + b"\0" * 8)
    with zipfile.ZipFile(tmp_path / "good.zip", "w") as archive:
        archive.writestr("train.csv", content)
    stored = bytearray((tmp_path / "good.zip").read_bytes())
    (tmp_path / "short.zip").write_bytes(stored[:5000])
    stored = stored.replace(b"7,0,1,2", b"7,0,1,3")  # still good CSV, but not the sum of it
    (tmp_path / "damaged.zip").write_bytes(stored)
    for name in ("short.csv.gz", "damaged.csv.gz", "short.zip", "damaged.zip"):
        with pytest.raises(DataError, match=f"{name}.*damaged or cut short"):
            load(tmp_path / name)


def test_zip_of_several_files_asks_for_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", HEADER)
        archive.writestr("b.csv", HEADER)
    with pytest.raises(DataError, match=r"holds a\.csv, b\.csv; unpack it"):
        load(tmp_path / "two.zip")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=arrays(np.uint8, st.tuples(st.integers(1, 12), st.just(785))),
    newline=st.sampled_from(["\n", "\r\n"]),
    ending=st.sampled_from(["", "\n", "\n\n"]),
    block=st.sampled_from([4096, 5000, 2**18]),
)
def test_round_trip(rows, newline, ending, block, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_blocks, "BLOCK", block)
    rows[:, 0] %= 10
    text = newline.join([HEADER, *(",".join(map(str, row)) for row in rows.tolist())])
    path = tmp_path / "train.csv"
    path.write_bytes((text + ending.replace("\n", newline)).encode())
    loaded = load(path)
    assert np.array_equal(loaded.labels, rows[:, 0])
    assert np.array_equal(loaded.images.reshape(-1, 784), rows[:, 1:])


@settings(max_examples=300)
@given(
    cells=st.lists(
        st.one_of(
            st.integers(0, 255).map(str),
            st.sampled_from(["", "256", "260", "299", "300", "999", "1000", "00", "007", "-1"]),
            st.text('0123456789 ,.\n\r"-/:x', max_size=4),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_quick_reading_never_differs_from_the_careful(cells):
    columns = ["pixel0", "pixel1", "pixel2"]
    rows = [cells[i : i + 3] for i in range(0, len(cells), 3)]
    text = ("\n".join(map(",".join, rows)) + "\n").encode()
    out = np.empty(len(text), np.uint8)
    quick = csv_blocks.Parser(3).parse(np.frombuffer(csv_blocks.LEAD + text, np.uint8), out)
    if quick is not None:
        assert np.array_equal(quick, csv_rows.read(text, columns, "it", 1))
