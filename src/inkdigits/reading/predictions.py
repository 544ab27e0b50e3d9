"""What was read, as files for other programs."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from inkdigits.errors import UsageError
from inkdigits.files import whole_file
from inkdigits.reading.refusing import refusal

_ROW_GROUP = 65_536


def write_submission(path: Path, labels: Iterable[NDArray[np.integer[Any]]]) -> None:
    """Write ``labels``, in blocks (n,), as Kaggle's submission: ImageId counted from 1, and Label.

    Raises InkdigitsError if ``path`` cannot be written.
    """
    with whole_file(path) as temporary, temporary.open("wb") as file:
        file.write(b"ImageId,Label\n")
        first = 1
        for block in labels:
            rows = (f"{number},{label}\n" for number, label in enumerate(block.tolist(), first))
            file.write("".join(rows).encode())
            first += len(block)


def write_predictions(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write tables as ``prediction_table`` makes them, one after the other.

    The suffix of ``path`` chooses CSV or Parquet; either keeps every bit of the probabilities.
    Raises UsageError for another suffix, InkdigitsError if ``path`` cannot be written.
    """
    if path.suffix.lower() == ".parquet":
        with whole_file(path) as temporary:
            _write_parquet(tables, temporary)
    elif path.suffix.lower() == ".csv":
        with whole_file(path) as temporary:
            _write_csv(tables, temporary)
    else:
        raise UsageError("predictions are written as .csv or .parquet; name such a file", path)


def prediction_table(
    ids: Sequence[str] | range, probabilities: NDArray[np.float32], threshold: float
) -> pa.Table:
    """Return a row per image: image, label, probability of that label, p0 to p9, and refused.

    ``image`` is the image's id, or its number; ``refused`` says in words why an answer below
    ``threshold`` is better not trusted, and is null where it may be.
    """
    labels = probabilities.argmax(axis=1).astype(np.uint8)
    best = probabilities[np.arange(len(labels)), labels]
    refused: list[str | None] = [None] * len(labels)
    for row in np.flatnonzero(best < threshold).tolist():
        refused[row] = refusal(probabilities[row], threshold)
    names = list(ids) if isinstance(ids, range) else [_text(name) for name in ids]
    kind = pa.int64() if isinstance(ids, range) else pa.string()
    columns = {"image": pa.array(names, kind), "label": labels, "probability": best}
    columns |= {f"p{digit}": probabilities[:, digit] for digit in range(probabilities.shape[1])}
    return pa.table(columns | {"refused": pa.array(refused, pa.string())})


def _write_parquet(tables: Iterable[pa.Table], path: Path) -> None:
    # What the file tells of a row group stays in memory until its end, so these are not small.
    writer, waiting = None, []
    try:
        for table in tables:
            writer = writer or pyarrow.parquet.ParquetWriter(path, table.schema)
            waiting.append(table)
            if sum(map(len, waiting)) >= _ROW_GROUP:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if writer is not None and waiting:
            writer.write_table(pa.concat_tables(waiting))
    finally:
        if writer is not None:
            writer.close()


def _write_csv(tables: Iterable[pa.Table], path: Path) -> None:
    # pyarrow quotes every name in a header that it writes itself
    plain = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    with path.open("wb") as file:
        for number, table in enumerate(tables):
            if not number:
                file.write((",".join(table.column_names) + "\n").encode())
            pyarrow.csv.write_csv(table, file, plain)


def _text(name: str) -> str:
    """Make ``name`` valid text: a file's name may hold bytes that are none."""
    return name.encode(errors="replace").decode()
