"""Loops over memory that torch would need several passes for, compiled by Numba for the CPU.

Floats are seen as whole numbers of the same width: those above zero keep their order so, and those
below zero stay below it. Images are shared out over as many threads as torch uses.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray

Bits = NDArray[np.signedinteger[Any]]
Places = NDArray[np.uint8]
Floats = NDArray[np.float32]
Function = TypeVar("Function", bound=Callable[..., Any])

# Whole numbers as wide as a float of so many bytes.
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}

# Numba's own choice, a work queue, waits too long for its threads, and bears no second caller.
_settings: Any = numba.config
_settings.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]

_CORES = _settings.NUMBA_NUM_THREADS  # asking for threads would start them, which forks cannot bear

NONE = 4  # no place of a pooling window: its output is 0


def compiled(function: Function, parallel: bool = False) -> Function:
    """Compile on first use; keep the result on disk where a cache can be written."""
    # A product and its sum may round once: "contract".
    options: Any = {"nogil": True, "parallel": parallel, "fastmath": {"contract"}}
    try:
        return cast(Function, njit(cache=True, **options)(function))
    except RuntimeError:
        return cast(Function, njit(**options)(function))


def shared_out(function: Function) -> Function:
    """As ``compiled``; what ``prange`` counts is shared out over as many threads as torch has."""
    kernel = compiled(function, parallel=True)

    def run(*arguments: Any) -> None:
        threads = torch.get_num_threads()
        numba.set_num_threads(min(threads, _CORES))
        kernel(*arguments)
        # Numba starts as many threads as there are cores, and OpenMP then gives torch as many too.
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return cast(Function, wraps(function)(run))


def numbers(x: torch.Tensor) -> Bits:
    """See the floats of ``x`` as whole numbers of the same width, in place."""
    return cast(Bits, x.detach().view(_INTEGERS[x.element_size()]).numpy())


class Part(NamedTuple):
    """Which images of a batch are at hand: those after ``before``, of ``whole`` (None: all)."""

    before: int = 0
    whole: int | None = None


_WHOLE = Part()
_part: ContextVar[Part] = ContextVar("part", default=_WHOLE)


@contextmanager
def part_of_batch(before: int, whole: int) -> Iterator[None]:
    """Let each image inside the block draw what it would draw within the whole batch."""
    token = _part.set(Part(before, whole))
    try:
        yield
    finally:
        _part.reset(token)


def current_part() -> Part:
    """Return which images of a batch a layer is given."""
    return _part.get()


def draw_key() -> int:
    """Draw the number from which a layer hashes all its random numbers of a step."""
    return int(torch.empty((), dtype=torch.int64).random_())


@compiled
def hashed(index: int, key: np.uint64) -> np.uint32:
    """Hash index and key to a random 32-bit number, by multiplication and xorshift."""
    low, high = np.uint32(key & np.uint64(0xFFFFFFFF)), np.uint32(key >> np.uint64(32))
    number = np.uint32(np.uint32(index) ^ low)  # Numba widens a product to 64 bits unless told
    number = np.uint32((number ^ (number >> np.uint32(16))) * np.uint32(0x7FEB352D))
    number = np.uint32(number ^ high)
    number = np.uint32((number ^ (number >> np.uint32(15))) * np.uint32(0x846CA68B))
    return np.uint32(number ^ (number >> np.uint32(16)))


@compiled
def drop_cell(
    values: Bits, places: Places, first: int, key: np.uint64, threshold: np.uint32
) -> None:
    """Drop those of a cell's channels whose random number is lower, in a loop of its own.

    Together with what comes before it, the compiler would not make vectors of it.
    """
    for k in range(values.shape[0]):
        kept = hashed(first + k, key) >= threshold
        values[k] = values[k] if kept else 0
        places[k] = places[k] if kept else np.uint8(NONE)


@shared_out
def pool_relu_drop(
    x: Bits, out: Bits, place: Places, before: int, key: np.uint64, threshold: np.uint32
) -> None:
    """Pool (N, H, W, C) over 2×2, cut at zero, and drop those whose random number is lower.

    ``place`` tells which of the four it was, or ``NONE``; ``before`` counts the batch's images
    that come before these. The scale of dropout is not applied.
    """
    images, height, width, channels = out.shape
    for n in prange(images):
        for i in range(height):
            for j in range(width):
                a, b = x[n, 2 * i, 2 * j], x[n, 2 * i, 2 * j + 1]
                c, d = x[n, 2 * i + 1, 2 * j], x[n, 2 * i + 1, 2 * j + 1]
                largest, where = out[n, i, j], place[n, i, j]
                index = (((before + n) * height + i) * width + j) * channels
                for k in range(channels):
                    upper, lower = max(a[k], b[k]), max(c[k], d[k])
                    value = max(upper, lower)
                    first = np.uint8(b[k] > a[k])
                    second = np.uint8(np.uint8(2) + np.uint8(d[k] > c[k]))
                    live = value > 0
                    largest[k] = value if live else 0
                    where[k] = (first if upper >= lower else second) if live else np.uint8(NONE)
                if threshold:
                    drop_cell(largest, where, index, key, threshold)


@shared_out
def unpool(gradient: Bits, place: Places, out: Bits) -> None:
    """Put each gradient at the place that it came from, zero at the other three."""
    images, height, width, channels = gradient.shape
    for n in prange(images):
        for i in range(height):
            for j in range(width):
                given, where = gradient[n, i, j], place[n, i, j]
                for q in range(4):
                    target, this = out[n, 2 * i + q // 2, 2 * j + q % 2], np.uint8(q)
                    for k in range(channels):
                        target[k] = given[k] if where[k] == this else 0


@shared_out
def drop(x: Bits, out: Bits, first: int, key: np.uint64, threshold: np.uint32) -> None:
    """Zero those of ``x`` (n,) whose random number, hashed from key and index, is lower.

    Indices count from ``first``.
    """
    for i in prange(x.shape[0]):
        out[i] = x[i] if hashed(first + i, key) >= threshold else 0
