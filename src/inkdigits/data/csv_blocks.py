"""The quick reading of CSV rows: many lines at a time, by operations on all their bytes.

A value is made of the last three characters before its separator, so the values of a block follow
from the block and its copies shifted by one and two. Each of two threads makes its arrays once and
uses them again for every block: fresh ones would cost more in page faults than the arithmetic does.
"""

import io
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from inkdigits.data.files import LIMIT
from inkdigits.errors import DataError

# Small enough for the processor's cache, large enough that two threads seldom meet, and longer than
# any row.
BLOCK = 2**19
# Before each block, so that its first value has characters before it like every other.
LEAD = b",,"
THREADS = 2  # NumPy lets go of the interpreter while it computes; more would wait for each other
_AHEAD = 2 * THREADS  # blocks, enough for no thread to wait
_BUFFERS = _AHEAD + 2  # with one that is looked at, and one that is filled
_ZERO, _COMMA, _NEWLINE = (np.uint8(character) for character in b"0,\n")

Bytes = NDArray[np.uint8]


def parsed(
    stream: io.BufferedIOBase, columns: int, where: object
) -> Iterator[tuple[Bytes, Bytes | None]]:
    """Yield the blocks of ``stream`` in order, each with what ``Parser.parse`` makes of it.

    Both are valid until the next are drawn.
    """
    own = threading.local()
    numbers = cycle([np.empty(BLOCK // 2 + 2, np.uint8) for _ in range(_BUFFERS)])

    def prepare() -> None:
        own.parser = Parser(columns)

    def parse(text: Bytes, out: Bytes) -> Bytes | None:
        values: Bytes | None = own.parser.parse(text, out)
        return values

    begun: deque[tuple[Bytes, Future[Bytes | None]]] = deque()

    def done(ahead: int) -> Iterator[tuple[Bytes, Bytes | None]]:
        while len(begun) > ahead:
            text, values = begun.popleft()
            yield text, values.result()

    with ThreadPoolExecutor(THREADS, initializer=prepare) as pool:
        try:
            for text in blocks(stream, where):
                begun.append((text, pool.submit(parse, text, next(numbers))))
                yield from done(_AHEAD)
        except Exception:
            yield from done(0)  # a fault in what was read comes first
            raise
        yield from done(0)


def blocks(stream: io.BufferedIOBase, where: object) -> Iterator[Bytes]:
    """Yield LEAD and then whole lines, each ending in a newline; valid until _BUFFERS more are."""
    size = len(LEAD) + BLOCK + 1
    buffers = cycle([bytearray(LEAD).ljust(size) for _ in range(_BUFFERS)])
    buffer = next(buffers)
    end, total = len(LEAD), 0
    while read := stream.readinto(memoryview(buffer)[end:-1]):
        end += read
        total += read
        if total > LIMIT:
            raise DataError("unpacks to more than 4 GiB; check where it comes from", where)
        cut = buffer.rfind(b"\n", 0, end) + 1
        if not cut and end < size - 1:
            continue
        cut = cut or end  # a line longer than the block: it is no row, so let the parser say so
        yield _unix(buffer, cut)
        full, buffer = buffer, next(buffers)
        rest = len(LEAD) + end - cut
        buffer[len(LEAD) : rest] = memoryview(full)[cut:end]
        end = rest
    if end > len(LEAD):
        buffer[end] = _NEWLINE
        yield _unix(buffer, end + 1)


def _unix(buffer: bytearray, end: int) -> Bytes:
    if buffer.find(b"\r", 0, end) < 0:
        return np.frombuffer(buffer, np.uint8, end)
    return np.frombuffer(buffer[:end].replace(b"\r\n", b"\n"), np.uint8)


class Parser:
    """Parses blocks whose every value is a plain whole number in 0–255."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._numbers = np.empty((2, len(LEAD) + BLOCK + 1), np.uint8)
        self._masks = np.empty((2, len(LEAD) + BLOCK + 1), bool)

    def parse(self, text: Bytes, out: Bytes) -> Bytes | None:
        """Return uint8 (rows, columns) in ``out``, or None if anything is not as it should be."""
        value, last = self._numbers[:, : len(text)]
        digit, mask = self._masks[:, : len(text)]
        np.subtract(text, _ZERO, out=value)
        np.less(value, 10, out=digit)
        np.multiply(value, digit.view(np.uint8), out=value)
        np.greater(digit[:-1], digit[1:], out=mask[:-1])
        ends = np.flatnonzero(mask[:-1])
        rows = ends[self.columns - 1 :: self.columns] + 1
        commas = np.count_nonzero(np.equal(text, _COMMA, out=mask))
        if (
            np.count_nonzero(digit) + commas + len(rows) != len(text)  # another character
            or commas + len(rows) - len(LEAD) != len(ends)  # a value is missing
            or len(rows) * self.columns != len(ends)
            or not (text[rows] == _NEWLINE).all()
        ):
            return None
        # From here on, place i of an array speaks of the characters i, i + 1 and i + 2, but for
        # ``last``, in which a value is at the number of its last character.
        rest, hundreds, three = last[2:], value[:-2], mask[:-2]
        np.logical_and(digit[:-2], digit[1:-1], out=three)
        np.logical_and(three, digit[2:], out=three)
        np.multiply(value[1:-1], np.uint8(10), out=rest)
        np.add(rest, value[2:], out=rest)
        np.multiply(hundreds, three.view(np.uint8), out=hundreds)
        if np.logical_and(three[:-1], three[1:], out=digit[:-3]).any() or hundreds.max() > 2:
            return None
        np.multiply(hundreds, np.uint8(100), out=hundreds)
        np.add(hundreds, rest, out=rest)
        if np.less(rest, hundreds, out=three).any():  # over 255, and so begun anew from 0
            return None
        values: Bytes = last.take(ends, mode="clip", out=out[: len(ends)])
        return values.reshape(-1, self.columns)
