"""The careful reading of CSV rows: slow, and exact about the first thing that is wrong."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inkdigits.errors import DataError


def read(block: bytes, columns: Sequence[str], source: str, first_line: int) -> NDArray[np.uint8]:
    """Read lines to uint8 (rows, columns); blank lines count as lines but hold no row.

    Raises DataError that names the line (counted from 1 at the header) and the column.
    """
    rows = [
        _row(line, columns, f"{source}, line {number}")
        for number, line in enumerate(block.split(b"\n"), first_line)
        if line.strip()
    ]
    return np.array(rows, np.uint8).reshape(-1, len(columns))


def _row(line: bytes, columns: Sequence[str], where: str) -> list[int]:
    cells = line.decode("utf-8", "replace").split(",")
    if len(cells) < len(columns):
        raise DataError(
            f"{len(cells)} values where {len(columns)} belong; "
            "the row is cut short, so restore or remove it",
            where,
        )
    if len(cells) > len(columns):
        raise DataError(
            f"{len(cells)} values where {len(columns)} belong; restore or remove the row", where
        )
    return [
        _value(cell.strip().strip('"'), name, f"{where}, column {name}")
        for cell, name in zip(cells, columns, strict=True)
    ]


def _value(cell: str, name: str, where: str) -> int:
    if not cell:
        raise DataError("the value is missing; restore or remove the row", where)
    if not (cell.isascii() and cell.removeprefix("-").isdigit()):
        raise DataError(f"{cell[:30]!r} is not a whole number; correct or remove the row", where)
    digits = cell.removeprefix("-").lstrip("0")[:20]  # enough to tell that it is too much
    value = int(digits or 0) * (-1 if cell.startswith("-") else 1)
    if name == "label" and not 0 <= value <= 9:
        raise DataError(f"{value} is not a digit 0–9; correct or remove the row", where)
    if not 0 <= value <= 255:
        raise DataError(f"{value} is not a pixel value 0–255; correct or remove the row", where)
    return value
