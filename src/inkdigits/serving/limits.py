"""How much a request may ask for, and the checks that come before any decoding."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Receive

from inkdigits.images.decoding import picture_size
from inkdigits.serving.errors import Problem

MEBIBYTE = 2**20
SWALLOWED = 64 * MEBIBYTE  # a larger body is not read to its end only to tell that it is too large


@dataclass(frozen=True)
class Limits:
    """What the service takes at once, and how long it keeps anyone waiting."""

    requests: int = 64
    """readings under way or waiting at once; the next is refused"""
    held: int = 32 * MEBIBYTE
    """bytes of all their bodies"""
    body: int = 10 * MEBIBYTE
    """bytes of one body"""
    pixels: int = 25_000_000
    """of one picture"""
    images: int = 256
    """digit images in one request"""
    deadline: float = 10.0
    """seconds from a request's first line to its answer"""
    wait: float = 2.0
    """seconds that pictures may have to wait for a thread, judged by the last ones"""
    grace: float = 1.0
    """seconds for which new requests are still taken after SIGTERM"""


def body_length(headers: Mapping[bytes, bytes], limits: Limits) -> int | None:
    """Return how long the body says it is, None if it does not; Problem if it is too long."""
    told = headers.get(b"content-length")
    if told is None:
        return None
    if not told.isdigit():
        raise Problem(400, "usage", "Content-Length is not a number", close=True)
    length = int(told)
    if length > limits.body:
        raise _too_large(limits, close=length > SWALLOWED)
    return length


async def read_body(receive: Receive, limits: Limits) -> bytes | None:
    """Return the body, None if the client went away; Problem once it grows too large."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limits.body:
            raise _too_large(limits, close=True)
        return body
    parts, size = [], 0
    while message["type"] == "http.request":
        part = message.get("body", b"")
        size += len(part)
        if size > limits.body:
            raise _too_large(limits, close=True)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    return None


def check_pixels(content: bytes, limits: Limits) -> None:
    """Refuse a picture of too many pixels by its header (Problem, TooLarge), or DataError."""
    width, height = picture_size(content)
    if width * height > limits.pixels:
        raise Problem(
            413,
            "limit",
            f"picture of {width}×{height} pixels; at most {limits.pixels // 1_000_000} megapixels "
            "are read, so scale it down",
        )


def _too_large(limits: Limits, *, close: bool) -> Problem:
    text = f"the body is larger than {limits.body / MEBIBYTE:g} MiB; send a smaller picture"
    return Problem(413, "limit", text, close=close)
