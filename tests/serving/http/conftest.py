import io
import time
from contextlib import contextmanager

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from inkdigits.data import load
from inkdigits.reading import Reader
from inkdigits.serving import create_app


@pytest.fixture(scope="session")
def reader():
    return Reader()


@pytest.fixture(scope="session")
def digits():
    """Digit images uint8 (100, 28, 28) whose border is black, as MNIST's form has it."""
    images = load("mnist").test.images[:120]
    frame = np.ones((28, 28), bool)
    frame[1:-1, 1:-1] = False
    return images[~images[:, frame].any(axis=1)][:100]


@pytest.fixture(scope="session")
def encode():
    def encode(image, form="PNG", **options):
        file = io.BytesIO()
        Image.fromarray(image).save(file, form, **options)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def number(digits):
    """A picture of a sheet on which 7210 is written, dark on light, uint8 (120, 300)."""
    sheet = np.full((120, 300), 230, np.uint8)
    for place, image in enumerate(digits[:4]):
        sheet[46:74, 30 + 60 * place : 58 + 60 * place] -= (image * 0.8).astype(np.uint8)
    return sheet


@contextmanager
def warm_client(app):
    with TestClient(app, raise_server_exceptions=False) as client:
        end = time.monotonic() + 30
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < end, "never became ready"
            time.sleep(0.01)
        yield client


@pytest.fixture(scope="session")
def client(reader):
    """A warm service with its usual limits; for tests that leave it as it is."""
    with warm_client(create_app(reader)) as client:
        yield client


@pytest.fixture
def start(reader):
    """Start a service of its own, with ``create_app``'s options, and return a client when warm."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda read=reader, **options: stack.enter_context(
            warm_client(create_app(read, **options))
        )


@pytest.fixture
def unread():
    """Requests whose answers are more than sockets hold, for a client that takes none."""
    return b"GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
