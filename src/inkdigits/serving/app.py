"""The routes of the service."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from inkdigits import __version__
from inkdigits.errors import DataError, TooLarge
from inkdigits.images import SIZE, Images
from inkdigits.reading import Reader
from inkdigits.reading.readings import Reading
from inkdigits.serving import openapi
from inkdigits.serving.edge import Edge
from inkdigits.serving.errors import Problem, busy
from inkdigits.serving.limits import Limits, body_length, read_body
from inkdigits.serving.origins import Origins
from inkdigits.serving.page import page_files
from inkdigits.serving.service import Service

Pixel = Annotated[int, msgspec.Meta(ge=0, le=255)]
Row = Annotated[list[Pixel], msgspec.Meta(min_length=SIZE * SIZE, max_length=SIZE * SIZE)]

OPTIONS = "detail", "one"  # of /v1/read


class DigitImages(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON body of /v1/read."""

    images: list[Row]


class DirectRoute(APIRoute):
    """A route whose endpoint takes the request and returns the response, nothing in between."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself."""
        return self.endpoint


def create_app(
    reader: Reader, *, origins: Iterable[str] = (), limits: Limits | None = None
) -> FastAPI:
    """Return the service as an ASGI application; ``app.state.gate`` tells and sets its state.

    ``origins``: other sites whose pages may use it, as in ``https://example.org``; UsageError for
    anything else.
    """
    allowed = Origins(origins)
    limits = limits or Limits()
    service = Service(reader, limits)
    gate, metrics = service.gate, service.metrics

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="inkdigits",
        version=__version__,
        summary="Reads handwritten digits.",
        docs_url=None,  # its page would come from another site
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers={HTTPException: _not_so},
    )
    app.router.route_class = DirectRoute
    app.state.gate = gate

    @app.post(
        "/v1/read",
        summary="Read a picture, or digit images",
        responses=openapi.answers(list[openapi.ReadingForm], 400, 403, 408, 413, 415, 503),
        openapi_extra=openapi.read_operation(limits),
    )
    async def read(request: Request) -> Response:
        headers = dict(request.scope["headers"])
        detail, one = _options(request.scope["query_string"])
        size = gate.enter(body_length(headers, limits))
        body: bytes | None = None
        try:
            async with asyncio.timeout(limits.deadline):
                is_json = _is_json(headers)
                body = await read_body(request.receive, limits)
                if body is None:
                    return Response(status_code=400)  # to nobody: the client has gone
                if is_json:
                    readings = await service.read_images(_digit_images(body, limits))
                else:
                    readings = await service.read_picture(body, one=one)
        except TimeoutError:
            if body is None:
                text = f"the body did not arrive within {limits.deadline:g} s"
                raise Problem(408, "slow", text, close=True) from None
            raise busy(f"no reading within {limits.deadline:g} s; try again later") from None
        except TooLarge as error:
            raise Problem(413, "limit", error.message) from error
        except DataError as error:
            raise Problem(400, "data", error.message, error.where) from error
        finally:
            gate.leave(size)
        answer = [_form(reading, detail) for reading in readings]
        metrics.count(readings)
        return Response(msgspec.json.encode(answer), media_type="application/json")

    @app.get(
        "/v1/reader",
        summary="Tell which reader answers",
        responses=openapi.answers(openapi.ReaderForm, 403),
    )
    async def about(request: Request) -> Response:
        return _json(
            {
                "inkdigits": __version__,
                "classes": reader.classes,
                "threshold": reader.threshold,
                "temperature": reader.temperature,
                "origin": reader.origin(),
            }
        )

    @app.get(
        "/livez", summary="200 while the process runs", responses=openapi.answers(openapi.StateForm)
    )
    async def live(request: Request) -> Response:
        return _json({"status": "alive"})

    @app.get(
        "/readyz",
        summary="200 while requests are welcome",
        responses=openapi.answers(openapi.StateForm, 503),
    )
    async def ready(request: Request) -> Response:
        if gate.why_not is not None:
            raise busy(gate.why_not)
        return _json({"status": "ready"})

    @app.get("/metrics", include_in_schema=False)
    async def measured(request: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    for path, file in page_files().items():
        app.add_api_route(path, file.answer, include_in_schema=False)

    paths = frozenset(getattr(route, "path", "") for route in app.routes)
    app.add_middleware(Edge, gate=gate, metrics=metrics, paths=paths, origins=allowed)
    return app


async def _not_so(_: Request, error: Exception) -> Response:
    """Put what the router says (404, 405) into the form of all errors."""
    assert isinstance(error, HTTPException)
    text = {404: "there is nothing here; / is the page, /openapi.json tells the rest"}
    message = text.get(error.status_code, f"{error.detail} (see the header Allow)")
    return Problem(error.status_code, "usage", message, headers=error.headers).response()


def _options(query: bytes) -> tuple[bool, bool]:
    if not query:
        return False, False
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    for name in given.keys() - set(OPTIONS):
        text = f"there is no option {name!r}; there are {' and '.join(OPTIONS)}"
        raise Problem(400, "usage", text, f"?{name}=")
    chosen = []
    for name in OPTIONS:
        value = given.get(name, "false")
        if value not in ("true", "false"):
            raise Problem(400, "usage", f"{name} is true or false", f"?{name}=")
        chosen.append(value == "true")
    return chosen[0], chosen[1]


def _is_json(headers: dict[bytes, bytes]) -> bool:
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Problem(415, "usage", "send the body without a Content-Encoding")
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind.startswith(b"multipart/"):
        raise Problem(415, "usage", "send the picture itself as the body, not as a form")
    return kind == b"application/json"


def _digit_images(body: bytes, limits: Limits) -> Images:
    try:
        rows = msgspec.json.decode(body, type=DigitImages).images
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message, _, where = str(error).partition(" - at `$.")
        text = f'{message}; {{"images": [[784 numbers 0 to 255], …]}} belongs here'
        raise Problem(400, "data", text, where.rstrip("`") or None) from error
    if len(rows) > limits.images:
        raise Problem(413, "limit", f"more than {limits.images} images; send them in parts")
    pixels = np.frombuffer(b"".join(map(bytes, rows)), np.uint8)
    return pixels.reshape(-1, SIZE, SIZE)


def _form(reading: Reading, detail: bool) -> dict[str, Any]:
    form = reading.as_dict()
    if detail:
        for told, line in zip(form["lines"], reading.lines, strict=True):
            for digit, found in zip(told["digits"], line.digits, strict=True):
                digit["probabilities"] = [round(value, 6) for value in found.probabilities]
                digit["ink"] = found.ink.ravel().tolist()
    return form


def _json(content: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
