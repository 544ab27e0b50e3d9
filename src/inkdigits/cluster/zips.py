"""Zip archives of any size, a part at a time: a whole table of contents may outgrow memory."""

import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s24x3H12x")
_FULL = 2**32 - 1


def entries(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield the name of each file, and from where to where in the table of contents it is told.

    Raises BadZipFile where there is no such table, or a broken one.
    """
    with path.open("rb") as file:
        start, size, _ = _find_table(file)
        file.seek(start)
        place = 0
        while place < size:
            head = file.read(_ENTRY.size)
            if len(head) < _ENTRY.size or not head.startswith(b"PK\1\2"):
                raise zipfile.BadZipFile("no entry where one should be")
            _, *lengths = _ENTRY.unpack(head)
            name = file.read(sum(lengths))[: lengths[0]]
            end = place + _ENTRY.size + sum(lengths)
            yield name.decode(errors="replace"), place, end
            place = end


def open_part(file: BinaryIO, first: int, last: int) -> zipfile.ZipFile:
    """Open a zip as if it held only what bytes ``first`` to ``last`` of its table tell."""
    start, _, offset = _find_table(file)
    file.seek(start + first)
    table = file.read(last - first)
    end = start + len(table)
    tail = (
        table
        + _END_64.pack(b"PK\6\6", _END_64.size - 12, 45, 45, 0, 0, 0, 0, len(table), offset)
        + _LOCATOR.pack(b"PK\6\7", 0, end, 1)
        + _END.pack(b"PK\5\6", 0, 0, 0, 0, _FULL, _FULL, 0)
    )
    return zipfile.ZipFile(io.BufferedReader(_Spliced(file, start, tail)))


def _find_table(file: BinaryIO) -> tuple[int, int, int]:
    """Return where the table of contents begins, its size, and where it says that it begins."""
    length = file.seek(0, io.SEEK_END)
    before = max(0, length - _END.size - 2**16)
    file.seek(before)
    content = file.read()
    found = content.rfind(b"PK\5\6")
    if found < 0 or found + _END.size > len(content):
        raise zipfile.BadZipFile("no end record")
    *_, size, offset, _ = _END.unpack_from(content, found)
    end = before + found
    file.seek(max(0, end - _LOCATOR.size - _END_64.size))
    wide = file.read(_END_64.size)
    if file.read(4) == b"PK\6\7" and wide.startswith(b"PK\6\6"):
        *_, size, offset = _END_64.unpack(wide)
        end -= _LOCATOR.size + _END_64.size
    if size > end:
        raise zipfile.BadZipFile("a table of contents larger than the file")
    return end - size, size, offset


class _Spliced(io.RawIOBase):
    """The first ``length`` bytes of a file, and then a ``tail``."""

    def __init__(self, file: BinaryIO, length: int, tail: bytes) -> None:
        self._file, self._length, self._tail, self._place = file, length, tail, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._place}
        self._place = offset + bases.get(whence, self._length + len(self._tail))
        return self._place

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer)
        if self._place < self._length:
            self._file.seek(self._place)
            content = self._file.read(min(len(room), self._length - self._place))
        else:
            skipped = self._place - self._length
            content = self._tail[skipped : skipped + len(room)]
        room[: len(content)] = content
        self._place += len(content)
        return len(content)
