"""Memory that a training step frees stays with the process for the next step."""

import ctypes
import sys

# glibc's malloc.h: parameters of mallopt.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 32 * 1024**2
_KEPT = 1024**3


def keep_freed_memory() -> None:
    """Keep up to 1 GiB of freed memory in the process, instead of giving it back to the system.

    A step frees and takes again buffers of several MiB. By default glibc unmaps them, and each
    page costs a fault when it is next touched, on virtual machines up to half of the step. Holds
    for the rest of the process, since glibc cannot go back to choosing its thresholds by itself;
    does nothing where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        library.mallopt(_TRIM_THRESHOLD, _KEPT)
