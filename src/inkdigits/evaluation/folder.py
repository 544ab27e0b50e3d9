"""Writes a report's folder so that no half-written report is ever seen."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from inkdigits.errors import InkdigitsError


def write_folder(folder: Path, files: Mapping[str, bytes], own: Collection[str]) -> None:
    """Put ``files`` (name to content) into ``folder``, all of them or, on a failure, none.

    All are first written beside it. A new folder then appears at one stroke; in one that exists
    each file is replaced at one stroke, in the given order, files by other names stay, and those
    of a former report (``own`` names) that have no successor go. Raises InkdigitsError where the
    place cannot be written or is full.
    """
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
            fresh = Path(beside) / "fresh"
            fresh.mkdir()
            for name, content in files.items():
                _write(fresh / name, content)
            if not target.exists():
                fresh.rename(target)
                return
            for name in {*own, *files}:
                if (target / name).is_dir():
                    raise InkdigitsError(
                        "is a folder, where a file of the report belongs; move it, or name another "
                        "folder for the report",
                        folder / name,
                    )
            former = all((target / name).is_file() for name in files)
            for name in files:
                (fresh / name).replace(target / name)
            for name in set(own) - set(files) if former else ():
                (target / name).unlink(missing_ok=True)
    except OSError as error:
        raise InkdigitsError(
            f"the report cannot be written ({error.strerror or error}); "
            "name a folder that can be written to, on a disk with space",
            folder,
        ) from error


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # on disk before it takes a former one's place
