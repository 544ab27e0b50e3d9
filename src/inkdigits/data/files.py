"""Opening what a path names, plain, gzip or zip, with every failure in the user's words."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from inkdigits.errors import DataError

# More than any source known here holds; a file that unpacks to more is a mistake or a trap.
LIMIT = 4 * 2**30
ZIP = b"PK"
EMPTY = "the file is empty; copy or download it again"
NO_IMAGES = "there are no images in it; give data with at least one"
_GZIP = b"\x1f\x8b"


@contextmanager
def reading(where: object) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into a DataError at ``where``."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise DataError("damaged or cut short; copy or download it again", where) from error
    except MemoryError as error:
        raise DataError("claims to hold more than fits in memory; check it", where) from error
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror or error}); see that it is there and may be read",
            where,
        ) from error


def find(source: str | Path) -> Path:
    """Return where a source lies; that of a file in a zip, ``a.zip (train.csv)``, is the zip."""
    path = Path(source).expanduser()
    archive, _, member = str(path).rpartition(" (")
    if member.endswith(")") and not path.exists() and Path(archive).is_file():
        return Path(archive)
    return path


def open_file(path: Path) -> io.BufferedIOBase:
    """Open for reading, unpacked if the content is gzip, whatever the name says."""
    stream = path.open("rb")
    magic = stream.read(2)
    stream.seek(0)
    if magic != _GZIP:
        return stream
    stream.close()
    return gzip.open(path)


def head(path: Path) -> bytes:
    """Return the first 512 bytes of the (unpacked) file, by which kinds of source are told."""
    with reading(path), open_file(path) as stream:
        return stream.read(512)


def zip_names(path: Path) -> list[str]:
    """Return the names in a zip; DataError if it is damaged or would unpack to over 4 GiB."""
    with reading(path), zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > LIMIT:
        raise DataError("would unpack to more than 4 GiB; check where it comes from", path)
    return [entry.filename for entry in entries if not entry.is_dir()]


@contextmanager
def open_member(path: Path, name: str) -> Iterator[io.BufferedIOBase]:
    """Open the file ``name`` of a zip for reading; DataError if it is damaged or encrypted."""
    with reading(f"{path} ({name})"), zipfile.ZipFile(path) as archive:
        try:
            member = archive.open(name)
        except RuntimeError as error:  # zipfile's word for passwords and rare compressions
            raise DataError("this zip cannot be read here; unpack it first", path) from error
        with member:
            yield cast(io.BufferedIOBase, member)
