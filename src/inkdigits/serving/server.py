"""Running the service: uvicorn, and how it stops without losing a request."""

import asyncio
import functools
import gc
import os
import socket
import sys
import threading
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI

from inkdigits.errors import InkdigitsError, Interrupted, UsageError
from inkdigits.serving.connection import Connection
from inkdigits.serving.gate import Gate

BACKLOG = 2048
CONNECTIONS = 1000
FAREWELL = 1.0  # seconds for the caller's own last words, where a thread would keep the process
LAST_WORDS = 0.2  # seconds for a request on a connection taken just before the doors closed


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; InkdigitsError if not possible."""
    if not 0 <= port <= 65535:
        raise UsageError(f"port {port} does not exist; give one from 1 to 65535, or 0 for any")
    if not host:  # which would be every interface
        raise UsageError("--host is empty; give one as in 127.0.0.1, or 0.0.0.0 for all interfaces")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # what follows names the address again
        raise InkdigitsError(
            f"cannot listen there ({reason}); give another --host or --port", f"{host}:{port}"
        ) from error


def run(app: FastAPI, listener: socket.socket) -> int:
    """Serve until SIGTERM or SIGINT, and return the number of requests answered.

    On the signal /readyz turns false and every answer closes its connection, while new requests are
    still taken for ``Limits.grace`` seconds: long enough for clients and proxies to notice. Then
    no more connections are taken, and what is under way is answered. A second signal ends the
    process at once (130), and what a thread still reads after its time does not keep it for long.
    """
    gate: Gate = app.state.gate
    files = _most_files()
    connection = functools.partial(
        Connection, patience=gate.limits.deadline, most=min(CONNECTIONS, files // 2)
    )
    config = uvicorn.Config(
        app,
        http=connection,  # type: ignore[arg-type]
        backlog=min(BACKLOG, files // 4),  # all of them may come in before one is sent away
        access_log=False,  # /metrics counts, and a line for each request would cost a tenth of them
        log_level="error",  # its warnings are of what clients send
        server_header=False,
        proxy_headers=False,  # nothing here depends on who asks
        ws="none",
        timeout_graceful_shutdown=2 * int(gate.limits.deadline) + 5,
    )
    server = DrainingServer(config, gate)
    gc.collect()
    gc.freeze()  # what is here stays: to look through it for garbage would hold all requests up
    server.run(sockets=[listener])
    if gate.late:  # Python would wait for their threads
        end = threading.Timer(FAREWELL, os._exit, [0])
        end.daemon = True
        end.start()
    return server.server_state.total_requests


class DrainingServer(uvicorn.Server):
    """A server that goes on for a little while after it was told to stop."""

    def __init__(self, config: uvicorn.Config, gate: Gate) -> None:
        super().__init__(config)
        self._gate = gate
        self._end: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; at the second signal end the process, whatever it is about."""
        if self._end is None:
            self._gate.draining = True
            self._end = time.monotonic() + self._gate.limits.grace
        else:
            os._exit(Interrupted.exit_code)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the doors, let those who just came in speak, answer everyone, and stop."""
        for listening in self.servers:
            listening.close()
        await asyncio.sleep(LAST_WORDS)
        # Before uvicorn cancels their tasks, which would fill the log.
        asyncio.get_running_loop().call_later(self._gate.limits.deadline + 2, self._hang_up)
        await super().shutdown(sockets)

    def _hang_up(self) -> None:
        """End the connections whose clients do not take their answers, or still send requests."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def on_tick(self, counter: int) -> bool:
        """Tell whether it is time to close the doors."""
        if self._end is not None and time.monotonic() >= self._end:
            self.should_exit = True
        return await super().on_tick(counter)


def _most_files() -> int:
    """Return how many files the process may hold open."""
    try:
        import resource
    except ModuleNotFoundError:  # on Windows, where there is no such limit
        return sys.maxsize
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft > 0 else sys.maxsize
