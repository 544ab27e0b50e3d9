"""Files are written whole or not at all."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inkdigits.errors import InkdigitsError, UsageError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which takes its place when the block ends well.

    When the block fails, the temporary file goes and whatever stood at ``path`` stays. An OSError
    (full disk, read-only or missing folder) becomes one InkdigitsError that names ``path``.
    """
    try:
        target = path.resolve()
        odd = target.exists() and not target.is_file()
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        raise InkdigitsError(
            f"cannot be written ({getattr(error, 'strerror', None) or error}); name another file",
            path,
        ) from error
    if odd:
        raise InkdigitsError("cannot be written, since it is not a regular file", path)
    temporary = target.with_name(f".inkdigits-{secrets.token_hex(8)}")
    try:
        yield temporary
        with temporary.open("rb+") as file:  # on disk before it has the name: survives a power cut
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise InkdigitsError(
            f"cannot be written ({error.strerror or error}); "
            "see that its folder exists, can be written to and has space",
            path,
        ) from error
    finally:
        with suppress(OSError):  # out of reach, perhaps; the first error is the one to tell
            temporary.unlink()


def spare(inputs: Iterable[Path], output: Path) -> None:
    """Raise UsageError if writing ``output`` would replace one of ``inputs``, links followed."""
    for path in inputs:
        with suppress(OSError):  # one of them is not there
            if output.samefile(path):
                raise UsageError(
                    f"would overwrite {path}, which is read; name another file", output
                )
