"""Who may come in: a bounded number of requests and of bytes, and nobody before it is warm."""

from concurrent.futures import Future
from typing import Any

from inkdigits.serving.errors import busy
from inkdigits.serving.limits import Limits

FULL = "the service is full; try again in a moment"


class Gate:
    """Counts what is under way. Whatever it lets in is answered, whatever it refuses is told so.

    ``warm``: the first readings have been made. ``draining``: the service is about to stop; what
    still comes is read, but told to come no more on this connection. ``late``: what a thread of
    ``threads`` still reads though its time is over, since no thread can be stopped.
    """

    def __init__(self, limits: Limits, threads: int) -> None:
        self.limits = limits
        self.threads = threads
        self.late: set[Future[Any]] = set()
        self.warm = False
        self.draining = False
        self.inside = 0
        self.held = 0

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.why_not is None

    @property
    def why_not(self) -> str | None:
        """Why no requests should be sent here, None if they should."""
        if self.draining:
            return "draining"
        if not self.warm:
            return "warming up"
        return "held up by pictures that take too long" if self.free < 1 else None

    @property
    def free(self) -> int:
        """How many threads are not taken by what is late."""
        return self.threads - len(self.late)

    @property
    def full(self) -> bool:
        """Whether as many requests are under way as there may be."""
        return self.inside >= self.limits.requests

    def enter(self, length: int | None) -> int:
        """Let a body of ``length`` bytes in; return the bytes that leave() gives back.

        Raises Problem (503) while cold or full. A body that tells no length counts as the longest.
        """
        size = self.limits.body if length is None else length
        unread = length is None
        if not self.warm:
            raise busy("the service is still warming up; try again in a moment", close=unread)
        if self.full or self.held + size > self.limits.held:
            raise busy(FULL, close=unread)
        self.inside += 1
        self.held += size
        return size

    def leave(self, size: int) -> None:
        """Give back what enter() took."""
        self.inside -= 1
        self.held -= size
