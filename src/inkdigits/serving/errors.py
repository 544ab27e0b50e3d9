"""What a request is told when it gets no reading: one shape for all errors."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

RETRY_AFTER = 1  # seconds; a full house is empty again well within it


class Problem(Exception):
    """A request that is refused: HTTP status, kind, one line on what to do, and the place in it.

    ``close``: the connection is of no more use, since the rest of the request is not read.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        where: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.where = where
        self.headers = dict(headers or {})
        if status == 503:
            self.headers["retry-after"] = str(RETRY_AFTER)
        if close:
            self.headers["connection"] = "close"

    def response(self) -> Response:
        """Return the answer: ``{"error": {"kind", "message", "where"}}``."""
        told = {"kind": self.kind, "message": self.message, "where": self.where}
        content = msgspec.json.encode({"error": told})
        return Response(content, self.status, self.headers, "application/json")


def busy(message: str, *, close: bool = False) -> Problem:
    """Return the 503 that asks to try again soon."""
    return Problem(503, "busy", message, close=close)
