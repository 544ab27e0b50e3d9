"""What a training measured, epoch by epoch."""

import json
from pathlib import Path
from typing import Any

from inkdigits.errors import DataError


def read_history(path: Path) -> list[dict[str, Any]] | None:
    """Return the lines of a run's metrics.jsonl; None if there is no such file.

    Raises DataError if a line is not JSON.
    """
    if not path.is_file():
        return None
    history = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            history.append(dict(json.loads(line)))
        except (ValueError, TypeError) as error:
            raise DataError(
                "damaged; delete the file, or train anew", f"{path}, line {number}"
            ) from error
    return history
