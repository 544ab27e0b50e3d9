"""Whose pages may use the service."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import Scope

from inkdigits.errors import UsageError

ORIGIN = re.compile(r"https?://[a-z0-9.:\[\]-]+")
PREFLIGHT = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "Content-Type",
    "access-control-max-age": "600",
}


class Origins:
    """The origins, beside the service's own, whose pages may use it and see what it answers."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        for name in self._names:
            if not ORIGIN.fullmatch(name):
                raise UsageError(f"{name!r} is no origin; give one as in https://example.org")

    def refuse(self, scope: Scope) -> bool:
        """Tell whether a browser sends this for a page of another site that was not named.

        Without this a foreign page could not see the answers, but could still keep us busy.
        """
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self._names_that_of(headers):
            return False
        origin = headers.get(b"origin", b"").decode("latin-1")
        site = headers.get(b"sec-fetch-site")
        if site is None:
            return bool(origin) and urlsplit(origin).netloc.encode("latin-1") != headers.get(
                b"host"
            )
        followed = headers.get(b"sec-fetch-mode") == b"navigate" and not origin  # a link
        return site not in (b"same-origin", b"none") and not followed

    def preflight(self, scope: Scope) -> Response | None:
        """Return the answer to a browser that asks whether a named page may ask."""
        if scope["method"] != "OPTIONS":
            return None
        headers = dict(scope["headers"])
        asks = b"access-control-request-method" in headers
        return Response(headers=PREFLIGHT) if asks and self._names_that_of(headers) else None

    def sharing(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Return the headers that let a named page see the answer, be it an error."""
        if not self._names:
            return []
        headers = dict(scope["headers"])
        shared = [(b"vary", b"Origin")]  # for caches
        if self._names_that_of(headers):
            shared.append((b"access-control-allow-origin", headers[b"origin"]))
            shared.append((b"access-control-expose-headers", b"Retry-After"))
        return shared

    def _names_that_of(self, headers: dict[bytes, bytes]) -> bool:
        return headers.get(b"origin", b"").decode("latin-1") in self._names
