"""What was read, as files for other programs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from inkdigits.errors import UsageError
from inkdigits.files import whole_file


def write_submission(path: Path, labels: NDArray[np.uint8]) -> None:
    """Write ``labels`` (N,) as Kaggle's submission: ImageId counted from 1, and Label.

    Raises InkdigitsError if ``path`` cannot be written.
    """
    rows = "".join(f"{number},{label}\n" for number, label in enumerate(labels.tolist(), start=1))
    with whole_file(path) as temporary:
        temporary.write_bytes(f"ImageId,Label\n{rows}".encode())


def write_predictions(
    path: Path,
    ids: Sequence[str] | None,
    labels: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
) -> None:
    """Write a row per image: image, label, probability of that label, and p0 to p9.

    ``image`` is the image's id in its data set, or its index counted from 0 where ``ids`` is None.
    The suffix of ``path`` chooses CSV or Parquet; either keeps every bit of the probabilities.
    Raises UsageError for another suffix, InkdigitsError if ``path`` cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError("predictions are written as .csv or .parquet; name such a file", path)
    columns = {
        "image": np.arange(len(labels)) if ids is None else [_text(name) for name in ids],
        "label": labels,
        "probability": probabilities[np.arange(len(labels)), labels],
    } | {f"p{digit}": probabilities[:, digit] for digit in range(probabilities.shape[1])}
    table = pa.table(columns)
    with whole_file(path) as temporary:
        if path.suffix == ".parquet":
            pyarrow.parquet.write_table(table, temporary)
        else:
            _write_csv(table, temporary)


def _write_csv(table: pa.Table, path: Path) -> None:
    # pyarrow quotes every name in a header that it writes itself
    plain = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    with path.open("wb") as file:
        file.write((",".join(table.column_names) + "\n").encode())
        pyarrow.csv.write_csv(table, file, plain)


def _text(name: str) -> str:
    """Make ``name`` valid text: a file's name may hold bytes that are none."""
    return name.encode(errors="replace").decode()
