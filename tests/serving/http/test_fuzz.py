"""Whatever is sent, the answer is a reading or an error in the form of all errors, never a crash.

A few hundred cases by default; INKDIGITS_FUZZ=60 makes it sixty times as many.
"""

import io
import os
import random
import threading
import time

import httpx
import numpy as np
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from inkdigits.serving import create_app, listen

TIMES = int(os.environ.get("INKDIGITS_FUZZ", "1"))
MODES = {
    "png": ["L", "1", "P", "RGBA", "I;16", "LA"],
    "jpeg": ["L", "RGB", "CMYK"],
    "webp": ["RGB", "RGBA"],
    "bmp": ["L", "1", "RGB"],
    "gif": ["P", "L"],
    "tiff": ["L", "RGB", "F", "I;16", "CMYK"],
}
STARTS = [
    *(b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"BM", b"II*\0", b"GIF89a"),
    *(b"P5 28 28 255\n", b"\0\0\0\x18ftypheic", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg>", b"PK\3\4"),
]


def sound(kind, rng):
    """A picture of this kind as bytes, with something like writing on it."""
    mode = rng.choice(MODES[kind])
    width, height = rng.choice([(28, 28), (1, 1), (3, 200), (90, 60), (28, 28)])
    values = np.zeros((height, width), np.uint8)
    for _ in range(rng.randrange(4)):
        top, left = rng.randrange(height), rng.randrange(width)
        values[top : top + rng.randrange(1, 30), left : left + rng.randrange(1, 5)] = 255
    if rng.random() < 0.5:
        values = 255 - values
    picture = Image.fromarray(values)
    picture = Image.fromarray(values.astype(np.uint16)) if mode == "I;16" else picture.convert(mode)
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def damaged(content, rng):
    """The same bytes, a few of them changed, moved, doubled, left out or cut off."""
    content = bytearray(content)
    for _ in range(rng.choice([0, 1, 1, 2, 5, 20])):
        at = rng.randrange(len(content) + 1)
        end = min(len(content), at + rng.choice([1, 1, 4, 16]))
        match rng.randrange(5):
            case 0:
                content[at:end] = rng.randbytes(end - at)
            case 1:
                content[at:end] = b""
            case 2:
                content[at:at] = content[at:end]
            case 3:
                content[at:end] = rng.choice([b"\0", b"\xff", b"\x7f"]) * (end - at)
            case 4:
                content = content[: max(at, 8)]
    return bytes(content)


def check(answer):
    """Nothing but readings, or an error that has the form of all errors."""
    assert answer.status_code in (200, 400, 403, 404, 405, 408, 413, 415, 503), answer.text
    if answer.status_code != 200:
        assert set(answer.json()["error"]) == {"kind", "message", "where"}


@pytest.fixture(scope="module")
def address(reader):
    app = create_app(reader)
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not app.state.gate.warm:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_pictures_that_are_damaged(address):
    rng = random.Random(7)
    statuses = []
    with httpx.Client(base_url=address, timeout=30) as client:
        for _ in range(150 * TIMES):
            body = damaged(sound(rng.choice(list(MODES)), rng), rng)
            answer = client.post(f"/v1/read?one={rng.choice(['true', 'false'])}", content=body)
            check(answer)
            statuses.append(answer.status_code)
    assert set(statuses) >= {200, 400}


def test_noise(address):
    rng = random.Random(8)
    with httpx.Client(base_url=address, timeout=30) as client:
        for _ in range(100 * TIMES):
            body = rng.choice(STARTS) + rng.randbytes(rng.randrange(2000))
            check(client.post("/v1/read", content=body))


for kind in MODES:
    schemathesis.openapi.media_type(
        f"image/{kind}",
        st.integers(0, 2**32).map(
            lambda seed, kind=kind: damaged(sound(kind, random.Random(seed)), random.Random(seed))
        ),
    )


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_the_description_allows_or_forbids(address, mode):
    description = schemathesis.openapi.from_url(f"{address}/openapi.json")
    for found in description.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=TIMES * (40 if operation.path == "/v1/read" else 5),
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def holds(case):
            # Any bytes are a valid image by the description, though they need not be one.
            answer = case.call_and_validate(
                excluded_checks=[not_a_server_error, positive_data_acceptance]
            )
            if case.path == "/v1/read":
                check(answer)

        try:
            holds()
        except Unsatisfiable:  # nothing can be wrong about a request without parameters
            assert mode is GenerationMode.NEGATIVE
