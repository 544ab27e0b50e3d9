"""Connections: whoever opens one has to ask something, and to take the answer."""

import asyncio
import math
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD = 2**16  # bytes; browsers send a few thousand


class Connection(HttpToolsProtocol):
    """A connection that is closed when its client leaves us waiting for ``patience`` seconds.

    That is for the whole head of the next request (and before it whatever of an answered one's body
    is still to come), or for any of an answer's bytes to be taken. While we owe an answer, the
    service has a deadline of its own. Of at most ``most`` connections: one more is closed at once.
    Otherwise whoever opens connections and says nothing could hold them all for ever.
    """

    def __init__(self, *args: Any, patience: float, most: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._patience = patience
        self._most = most
        self._timer: asyncio.TimerHandle | None = None
        self._answered: RequestResponseCycle | None = None  # the last to be begun
        self._unsent = math.inf  # bytes, when last looked at
        self._head = 0  # bytes that came since the last that was not of a head

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            transport.abort()
        else:
            self._take_turns()

    def data_received(self, data: bytes) -> None:
        """Read on, unless a head (or what follows a body in its place) never ends."""
        self._head += len(data)
        super().data_received(data)
        if self._head > HEAD and not self.transport.is_closing():
            self.send_400_response(f"The head of a request has at most {HEAD} bytes.")

    def on_headers_complete(self) -> None:
        """Wait no more."""
        self._head = 0
        super().on_headers_complete()
        self._take_turns()

    def on_body(self, body: bytes) -> None:
        """Count from here what is no body."""
        self._head = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._take_turns()

    def pause_writing(self) -> None:
        """Begin to wait for the answer to be taken."""
        super().pause_writing()
        self._take_turns()

    def resume_writing(self) -> None:
        """Wait for that no more."""
        super().resume_writing()
        self._take_turns()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection, and let what is being answered know."""
        if self._answered is not None:
            self._answered.disconnected = True  # uvicorn tells the last in its pipeline only
        super().connection_lost(exc)
        self._stop_waiting()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _take_turns(self) -> None:
        """Let the timer run just while it is the client's turn."""
        idle = self.cycle is None or self.cycle.response_complete
        if not idle and not self.flow.write_paused:
            self._stop_waiting()
        elif self._timer is None:
            self._unsent = math.inf
            self._timer = self.loop.call_later(self._patience, self._lose_patience)

    def _lose_patience(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if 0 < unsent < self._unsent:  # the answer is being taken, if slowly
            self._unsent = unsent
            self._timer = self.loop.call_later(self._patience, self._lose_patience)
        else:
            self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
