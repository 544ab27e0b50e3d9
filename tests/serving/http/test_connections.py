"""Clients that keep the service waiting, ask without end, or go away."""

import asyncio
import functools
import http.client
import socket
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress

import httpx
import pytest
import uvicorn

from inkdigits.serving import Limits, create_app, listen
from inkdigits.serving.connection import Connection

MOST = 20  # connections


def get(port, path):
    return httpx.get(f"http://127.0.0.1:{port}{path}").status_code


def ask(app, messages, headers=()):
    """Send one request to the bare application, with a body as its messages come."""

    async def talk():
        sent = []
        waiting = list(messages)

        async def receive():
            return waiting.pop(0) if waiting else await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/read",
            "query_string": b"",
            "headers": list(headers),
        }
        async with app.router.lifespan_context(app):
            while not app.state.gate.warm:
                await asyncio.sleep(0.01)
            await app(scope, receive, send)
        return sent

    return asyncio.run(talk())


def test_a_body_that_does_not_come_is_not_waited_for(reader):
    app = create_app(reader, limits=Limits(deadline=0.1))
    part = {"type": "http.request", "body": b"x", "more_body": True}
    start, body = ask(app, [part])
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert b'"slow"' in body["body"]
    assert app.state.gate.inside == 0


def test_a_client_that_goes_away_leaves_its_place(reader):
    app = create_app(reader)
    part = {"type": "http.request", "body": b"x", "more_body": True}
    ask(app, [part, {"type": "http.disconnect"}])
    assert app.state.gate.inside == 0


@contextmanager
def service(reader, patience):
    """Run a service in a thread, that waits so many seconds for a request's head; its port."""
    connection = functools.partial(Connection, patience=patience, most=MOST)
    settings = uvicorn.Config(create_app(reader), http=connection, log_level="error", ws="none")
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        port = listener.getsockname()[1]
        while get(port, "/readyz") != 200:
            time.sleep(0.02)
        yield port
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def impatient(reader):
    with service(reader, patience=0.5) as port:
        yield port


@pytest.fixture(scope="module")
def patient(reader):
    with service(reader, patience=60) as port:
        yield port


@pytest.mark.parametrize(
    ("asked", "begun"),
    [(b"", b""), (b"", b"GET /livez HT"), (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /li")],
)
def test_who_does_not_finish_asking_is_sent_away(impatient, asked, begun):
    with socket.create_connection(("127.0.0.1", impatient), timeout=3) as peer:
        if asked:
            peer.sendall(asked)
            assert peer.recv(2**16).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        for byte in begun:  # which does not buy more time
            peer.sendall(bytes([byte]))
            time.sleep(0.02)
        assert peer.recv(2**16) == b""
        assert 0.4 < time.monotonic() - began < 2


@pytest.mark.parametrize(
    "asked",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
        b"POST /v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n",
        b"POST /v1/read HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_who_does_not_finish_after_the_answer_is_sent_away(impatient, asked):
    with socket.create_connection(("127.0.0.1", impatient), timeout=3) as peer:
        peer.sendall(asked)
        assert peer.recv(2**16).startswith(b"HTTP/1.1 ")
        began = time.monotonic()
        peer.sendall(b"\r\n")
        assert peer.recv(2**16) == b""
        assert 0.3 < time.monotonic() - began < 2


def sent_away(peer, piece=b"x"):
    """Tell whether the other side closes the connection while these bytes are sent."""
    end = time.monotonic() + 4
    try:
        while time.monotonic() < end:
            peer.sendall(piece)
            time.sleep(0.05)
    except ConnectionError:
        return True
    return False


def test_who_does_not_take_the_answers_is_sent_away(impatient, unread):
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", impatient))
        peer.sendall(unread)
        assert sent_away(peer)


CHUNKED = b"POST /v1/read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begun", "line"),
    [
        (b"GET /", b""),
        (b"GET /livez HTTP/1.1\r\nX-A: ", b""),
        (b"GET /livez HTTP/1.1\r\n", b"X-A: a\r\n"),
        (CHUNKED + b"1;", b""),
        (CHUNKED + b"1\r\na\r\n0\r\n", b"X-A: a\r\n"),
    ],
)
def test_a_head_that_never_ends_is_cut_off(patient, begun, line):
    with socket.create_connection(("127.0.0.1", patient), timeout=3) as peer:
        peer.sendall(begun)
        assert sent_away(peer, (line or b"a") * 2**13)


def test_one_connection_serves_many_requests_also_refused_ones(impatient, digits, encode):
    with closing(http.client.HTTPConnection("127.0.0.1", impatient, timeout=10)) as connection:
        statuses = []
        for body in (encode(digits[0]), b"no picture", bytes(11 * 2**20), encode(digits[1])):
            connection.request("POST", "/v1/read", body)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        assert statuses == [200, 400, 413, 200]


def test_one_connection_too_many_is_closed_at_once(impatient):
    def asked(peer):
        peer.sendall(b"HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        return peer.recv(2**16)

    with ExitStack() as stack:
        peers = [
            stack.enter_context(socket.create_connection(("127.0.0.1", impatient), timeout=3))
            for _ in range(MOST)
        ]
        assert asked(peers[-1]).startswith(b"HTTP/1.1 200 ")
        with (
            socket.create_connection(("127.0.0.1", impatient), timeout=0.3) as peer,
            suppress(ConnectionResetError),
        ):
            assert peer.recv(100) == b""
        assert asked(peers[-1]).startswith(b"HTTP/1.1 200 ")
