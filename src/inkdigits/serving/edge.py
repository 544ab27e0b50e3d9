"""The outermost layer of the service: what every answer has in common."""

import logging
import time
from typing import TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkdigits.serving.errors import Problem, busy
from inkdigits.serving.gate import FULL, Gate
from inkdigits.serving.metrics import Metrics
from inkdigits.serving.origins import Origins

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
NOT_STORED = (b"cache-control", b"no-store")
CLOSE = (b"connection", b"close")

Headers: TypeAlias = list[tuple[bytes, bytes]]

READ = "/v1/read"
FULL_HOUSE = busy(FULL).response()

log = logging.getLogger("inkdigits.serving")


class Edge:
    """Adds the security headers, answers HEAD, keeps other sites out, counts, and catches all.

    Pure ASGI: nothing is buffered, and a request costs no task of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        metrics: Metrics,
        paths: frozenset[str],
        origins: Origins,
    ) -> None:
        self._app = app
        self._gate = gate
        self._metrics = metrics
        self._paths = paths
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        path = scope["path"]
        head = scope["method"] == "HEAD"
        if head:
            scope = {**scope, "method": "GET"}
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._headers(scope, list(message["headers"]))
            elif head:
                message["body"] = b""
            await send(message)

        try:
            if path.startswith("/v1/") and self._origins.refuse(scope):
                raise Problem(403, "usage", "pages of other sites may not use this service")
            preflight = self._origins.preflight(scope)
            if preflight is not None:
                await preflight(scope, receive, answer)
            elif path == READ and self._gate.full and scope["method"] == "POST" and _length(scope):
                await FULL_HOUSE(scope, receive, answer)  # the short way: many may come at once
            else:
                await self._app(scope, receive, answer)
        except Problem as problem:
            await problem.response()(scope, receive, answer)
        except Exception:
            log.exception("%s %s failed", scope["method"], path)
            if not status:
                failure = Problem(500, "failed", "the service failed; its log says how", close=True)
                await failure.response()(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - began
            self._metrics.answered(path if path in self._paths else "other", status, seconds)

    def _headers(self, scope: Scope, headers: Headers) -> Headers:
        headers += HEADERS
        headers += self._origins.sharing(scope)
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append(NOT_STORED)
        if self._gate.draining:
            headers.append(CLOSE)
        return headers


def _length(scope: Scope) -> bool:
    """Tell whether the request says how long its body is."""
    return any(name == b"content-length" for name, _ in scope["headers"])
