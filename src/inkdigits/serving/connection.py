"""Connections: whoever opens one has to ask something."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Connection(HttpToolsProtocol):
    """A connection that is closed when a request's head does not arrive within ``patience`` s.

    Otherwise whoever opens connections and says nothing could hold them all for ever.
    """

    def __init__(self, *args: Any, patience: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._patience = patience
        self._head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._head = self.loop.call_later(self._patience, transport.close)

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of the next request's head."""
        super().on_message_begin()
        if self._head is None:
            self._head = self.loop.call_later(self._patience, self.transport.close)

    def on_headers_complete(self) -> None:
        """Wait no more: the service has a deadline of its own for what follows."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None
