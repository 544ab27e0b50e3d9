"""The same network behind a plain FastAPI handler, as FastAPI's documentation shows it.

``python peer_fastapi.py NAME READER PORT``; benchmarks/serve.py starts it. It decodes with
inkdigits.images and runs the same reader, on uvloop and httptools: what differs is the service.
"""

import sys

from inkdigits.images import decode, normalise
from inkdigits.reading import Reader


def answer(scores):
    digit = int(scores.argmax())
    return {"digit": digit, "probability": float(scores[digit])}


def fastapi_plain(reader, port, *, threads):
    """A handler that does the work itself: on the event loop, or in FastAPI's threads."""
    import uvicorn
    from fastapi import Body, FastAPI, Request

    app = FastAPI()

    def read(body):
        return answer(reader.predict_proba(normalise(decode(body))[None])[0])

    if threads:

        @app.post("/v1/read")
        def in_threads(body: bytes = Body(media_type="image/png")):
            return read(body)

    else:

        @app.post("/v1/read")
        async def on_loop(request: Request):
            return read(await request.body())

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def main():
    name, path, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    fastapi_plain(Reader(path), port, threads=name == "fastapi-threads")


if __name__ == "__main__":
    main()
