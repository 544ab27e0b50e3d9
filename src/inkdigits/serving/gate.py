"""Who may come in: a bounded number of requests and of bytes, and nobody before it is warm."""

from inkdigits.serving.errors import busy
from inkdigits.serving.limits import Limits

FULL = "the service is full; try again in a moment"


class Gate:
    """Counts what is under way. Whatever it lets in is answered, whatever it refuses is told so.

    ``warm``: the first readings have been made. ``draining``: the service is about to stop; what
    still comes is read, but told to come no more on this connection.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.warm = False
        self.draining = False
        self.inside = 0
        self.held = 0

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.warm and not self.draining

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
