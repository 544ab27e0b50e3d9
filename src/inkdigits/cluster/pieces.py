"""Sources of any size, cut into pieces that one worker reads in little memory."""

import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from inkdigits.cluster.zips import entries, open_part
from inkdigits.data import NAMED, stream
from inkdigits.data.files import reading
from inkdigits.data.folder import SUFFIXES, check_regular
from inkdigits.data.parquet import decode_row, opened
from inkdigits.data.pictures import from_pictures
from inkdigits.errors import DataError
from inkdigits.images import Images, decode, read_picture
from inkdigits.images.decoding import MAX_BYTES

_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_SIZE = 5_000  # images of a piece, where a source can be cut

Item = tuple[str, Images | str]
"""An image's id, and the digit image (28, 28), or the reason why it cannot be read."""


@dataclass(frozen=True)
class Piece:
    """Some of a source's images: those numbered ``first`` to ``last``, or all, if that is None.

    ``within``: the row group of a Parquet file; ``names``: the first and the last picture of a
    folder's. Of a zip, ``first`` and ``last`` are bytes of its table of contents. So a piece has
    one size, whatever it describes.
    """

    kind: Literal["pictures", "parquet", "zip", "tar", "data"]
    path: str
    first: int = 0
    last: int | None = None
    within: int = 0
    names: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return its fields, to be sent."""
        return asdict(self)


def cut(sources: Sequence[str]) -> Iterator[Piece]:
    """Yield the pieces of all sources, the same and in the same order every time.

    A folder may hold pictures, Parquet files, and archives (.zip, .tar, .tar.gz) of pictures, at
    any depth; whatever else ``data.stream`` knows is one piece, and so is a tar archive. Raises
    DataError for a source that is not there, and for a folder with nothing to read in it.
    """
    for source in sources:
        path = Path(source)
        if source in NAMED:
            yield Piece("data", source)
        elif path.is_dir():
            found = list(_in_folder(path))
            if not found:
                raise DataError("no pictures, Parquet files or archives in it", path)
            yield from found
        else:
            yield from _in_file(path, source)


def _in_folder(folder: Path) -> Iterator[Piece]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        seen = sorted(name for name in names if not name.startswith("."))
        pictures = [name for name in seen if Path(name).suffix.lower() in SUFFIXES]
        for start in range(0, len(pictures), _SIZE):
            some = pictures[start : start + _SIZE]
            yield Piece("pictures", place, start, start + len(some), names=(some[0], some[-1]))
        for name in seen:
            if name.lower().endswith((".parquet", ".zip", *_TARS)):
                path = Path(place, name)
                try:
                    yield from list(_in_file(path, str(path)))
                except DataError:  # it stops nothing, and is told when it is read
                    if name.lower().endswith(".parquet"):
                        yield Piece("parquet", str(path), 0, 1)
                    else:
                        yield Piece("zip", str(path), 0, 1)


def _in_file(path: Path, source: str) -> Iterator[Piece]:
    name = path.name.lower()
    with reading(path):
        if name.endswith(".parquet") and path.is_file():
            yield from _in_parquet(path)
        elif name.endswith(_TARS) and path.is_file():
            yield Piece("tar", source)
        elif name.endswith(".zip") and path.is_file() and any(_zipped(path)):
            yield from _in_zip(path)
        else:
            next(stream(source))  # so that what is no data is told before the work begins
            yield Piece("data", source)


def _in_parquet(path: Path) -> Iterator[Piece]:
    with opened(path) as file:
        for group in range(file.metadata.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            for first in range(0, rows, _SIZE):
                yield Piece("parquet", str(path), first, min(first + _SIZE, rows), group)


def _in_zip(path: Path) -> Iterator[Piece]:
    begin, end = 0, 0
    for number, (_, first, last) in enumerate(_zipped(path)):
        if number and number % _SIZE == 0:
            yield Piece("zip", str(path), begin, end)
            begin = first
        end = last
    yield Piece("zip", str(path), begin, end)


def _zipped(path: Path) -> Iterator[tuple[str, int, int]]:
    return (entry for entry in entries(path) if Path(entry[0]).suffix.lower() in SUFFIXES)


def read(piece: Piece) -> Iterator[Item]:
    """Yield the images of a piece with their ids; a broken one with the reason instead.

    A source that breaks off is told by a last item with the source's own name.
    """
    readers = {
        "pictures": _read_pictures,
        "parquet": _read_parquet,
        "zip": _read_zip,
        "tar": _read_tar,
        "data": _read_data,
    }
    try:
        with reading(piece.path):
            yield from readers[piece.kind](piece)
    except DataError as error:
        yield piece.path, error.message
    except tarfile.TarError:
        yield piece.path, "damaged or cut short; copy or download it again"


def _read_pictures(piece: Piece) -> Iterator[Item]:
    first, last = piece.names
    with os.scandir(piece.path) as found:
        names = sorted(entry.name for entry in found if first <= entry.name <= last)
    for path in (Path(piece.path, name) for name in names):
        if path.suffix.lower() not in SUFFIXES or path.is_dir():
            continue
        try:
            check_regular(path)
            yield str(path), _digit(read_picture(path))
        except DataError as error:
            yield str(path), error.message


def _read_parquet(piece: Piece) -> Iterator[Item]:
    assert piece.last is not None
    with opened(Path(piece.path)) as file:
        before = sum(file.metadata.row_group(i).num_rows for i in range(piece.within))
        row = 0
        for batch in file.iter_batches(256, row_groups=[piece.within], columns=["image"]):
            if row >= piece.last:
                break
            if row + len(batch) > piece.first:
                for place, value in enumerate(batch.column("image").to_pylist(), start=row):
                    if piece.first <= place < piece.last:
                        yield _decoded(f"{piece.path}, row {before + place}", value)
            row += len(batch)


def _decoded(name: str, row: dict[str, Any] | None) -> Item:
    try:
        return name, _digit(decode_row(row, name))
    except DataError as error:
        return name, error.message


def _read_zip(piece: Piece) -> Iterator[Item]:
    path = Path(piece.path)
    assert piece.last is not None
    with path.open("rb") as file, open_part(file, piece.first, piece.last) as archive:
        for member in archive.infolist():
            if Path(member.filename).suffix.lower() not in SUFFIXES:
                continue
            name = f"{path}/{member.filename}"
            try:
                with reading(None), archive.open(member) as picture:
                    content = picture.read(MAX_BYTES + 1)
                yield name, _digit(decode(content))
            # It wants a password, or is packed in a way that is not known here.
            except (DataError, RuntimeError, NotImplementedError) as error:
                yield name, str(error)


def _read_tar(piece: Piece) -> Iterator[Item]:
    with tarfile.open(piece.path, "r|*") as archive:
        for member in archive:
            if not member.isfile() or Path(member.name).suffix.lower() not in SUFFIXES:
                continue
            name = f"{piece.path}/{member.name}"
            file = archive.extractfile(member)
            assert file is not None
            try:
                yield name, _digit(decode(file.read(MAX_BYTES + 1)))
            except DataError as error:
                yield name, error.message


def _read_data(piece: Piece) -> Iterator[Item]:
    number = 0
    for block in stream(piece.path):
        for place, image in enumerate(block.images):
            name = number if block.ids is None else block.ids[place]
            yield f"{piece.path}, {name}", image
            number += 1


def _digit(picture: Images) -> Images:
    digit: Images = from_pictures([picture])[0]
    return digit
