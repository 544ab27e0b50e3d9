"""The hash of itself that a reader's file carries, by which any damage shows.

ONNX Runtime runs a network with a changed weight as gladly as the one that was trained.
"""

import hashlib
import re

KEY = "inkdigits.sha256"
UNSEALED = "0" * 64

# How protobuf writes an entry of the metadata: its key, then the tag and length of its value.
_ENTRY = re.compile(re.escape(KEY.encode()) + rb"\x12\x40(.{64})", re.DOTALL)


def seal(content: bytes) -> bytes:
    """Return a file whose metadata hold KEY with its hash in place of what stands there."""
    place = _find(content)
    if place is None:
        raise ValueError(f"there is no {KEY} of 64 characters in its metadata")
    return _with(content, place, _hash(content, place))


def is_whole(content: bytes) -> bool:
    """Tell whether a file's hash is that of its content; True of a file without one."""
    place = _find(content)
    return place is None or content[place] == _hash(content, place)


def _find(content: bytes) -> slice | None:
    found = _ENTRY.search(content)
    return found and slice(*found.span(1))


def _hash(content: bytes, place: slice) -> bytes:
    """Hash the content, zeros standing where the hash itself goes."""
    return hashlib.sha256(_with(content, place, UNSEALED.encode())).hexdigest().encode()


def _with(content: bytes, place: slice, value: bytes) -> bytes:
    return content[: place.start] + value + content[place.stop :]
