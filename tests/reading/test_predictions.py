import csv

import numpy as np
import pyarrow.parquet
import pytest

from inkdigits.errors import InkdigitsError, UsageError
from inkdigits.reading.predictions import prediction_table, write_predictions, write_submission

LABELS = np.array([2, 0, 9], np.uint8)
PROBABILITIES = np.random.default_rng(0).dirichlet(np.ones(10), 3).astype(np.float32)
PROBABILITIES[range(3), LABELS] += 1
PROBABILITIES /= 2
COLUMNS = ["image", "label", "probability", *(f"p{digit}" for digit in range(10)), "refused"]


def table(ids, threshold=0.0):
    return prediction_table(ids, PROBABILITIES, threshold)


def test_submission_is_kaggles_form_to_the_byte(tmp_path):
    write_submission(tmp_path / "submission.csv", [LABELS[:1], LABELS[1:]])
    assert (tmp_path / "submission.csv").read_bytes() == b"ImageId,Label\n1,2\n2,0\n3,9\n"


def test_csv_keeps_every_bit(tmp_path):
    path = tmp_path / "predictions.csv"
    write_predictions(path, [table(range(3))])
    header, *rows = path.read_bytes().decode().splitlines()
    assert header == ",".join(COLUMNS)
    assert [row.split(",")[:2] for row in rows] == [["0", "2"], ["1", "0"], ["2", "9"]]
    numbers = np.array([row.split(",")[2:-1] for row in rows]).astype(np.float32)
    np.testing.assert_array_equal(numbers[:, 0], PROBABILITIES[[0, 1, 2], LABELS])
    np.testing.assert_array_equal(numbers[:, 1:], PROBABILITIES)


def test_ids_survive_csv(tmp_path):
    path = tmp_path / "predictions.csv"
    ids = ["2/a.png", 'say "7", please.png', "two\nlines.png"]
    write_predictions(path, [table(ids)])
    with path.open(newline="") as file:
        assert [row["image"] for row in csv.DictReader(file)] == ids


def test_names_that_are_no_text_are_written_with_a_mark(tmp_path):
    path = tmp_path / "predictions.csv"
    write_predictions(path, [table(["\udcff.png", "b", "c"])])
    with path.open(newline="") as file:
        assert next(csv.DictReader(file))["image"] == "?.png"


def test_parquet_holds_the_same_columns(tmp_path):
    path = tmp_path / "predictions.parquet"
    write_predictions(path, [table(["a", "b", "c"])])
    written = pyarrow.parquet.read_table(path)
    assert written.column_names == COLUMNS
    assert written["image"].to_pylist() == ["a", "b", "c"]
    assert written["label"].to_pylist() == LABELS.tolist()
    np.testing.assert_array_equal(written["p3"].to_numpy(), PROBABILITIES[:, 3])


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".CSV", ".PARQUET"])
def test_blocks_are_one_file(tmp_path, suffix):
    whole, parts = tmp_path / f"whole{suffix}", tmp_path / f"parts{suffix}"
    write_predictions(whole, [table("abc")])
    write_predictions(parts, [table("abc").slice(0, 1), table("abc").slice(1)])
    if suffix.lower() == ".csv":
        assert whole.read_bytes() == parts.read_bytes()
    else:
        assert pyarrow.parquet.read_table(whole) == pyarrow.parquet.read_table(parts)


def test_what_is_below_the_threshold_is_refused_with_the_reason():
    best = PROBABILITIES.max(axis=1)
    refused = table(range(3), threshold=float(np.sort(best)[1]))["refused"].to_pylist()
    assert [reason is not None for reason in refused] == (best == best.min()).tolist()
    assert "unsure: it may be" in refused[int(best.argmin())]


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"\.csv or \.parquet"):
        write_predictions(tmp_path / "predictions.xlsx", [table(range(3))])


@pytest.mark.parametrize("name", ["predictions.csv", "predictions.parquet"])
def test_a_place_that_cannot_be_written(tmp_path, name):
    path = tmp_path / "none" / name
    with pytest.raises(InkdigitsError) as caught:
        write_predictions(path, [table(range(3))])
    assert str(caught.value).startswith(f"{path}: cannot be written (")
    assert "\n" not in str(caught.value)
    with pytest.raises(InkdigitsError, match="cannot be written"):
        write_submission(path, LABELS)
