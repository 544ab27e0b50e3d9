"""The command as a process of its own: over real sockets, until it is told to stop."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager

import pytest

from inkdigits.cli import main
from inkdigits.serving import SHARE

# The command, but that every picture takes a minute and gets 0.3 s, as does all else.
HELD_UP = """
import functools, sys, time
from inkdigits import cli
from inkdigits.serving import app, service

read = service.read
service.read = lambda picture, *rest, **options: (
    time.sleep(60 * isinstance(picture, bytes)) or read(picture, *rest, **options)
)
app.Limits = functools.partial(app.Limits, deadline=0.3)
sys.exit(cli.main())
"""


@contextmanager
def service(reader, *words, start=("-m", "inkdigits")):
    """Run the command; yield the process and its port once it is ready."""
    command = [sys.executable, *start, "serve", "--port", "0", *words]
    process = subprocess.Popen(
        [*command, "--reader", str(reader.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stderr.readline()
        port = int(re.fullmatch(r"serving at http://127\.0\.0\.1:(\d+) .*\n", line)[1])
        end = time.monotonic() + 30
        while get(port, "/readyz") != 200:
            assert time.monotonic() < end, "never became ready"
            time.sleep(0.05)
        yield process, port
    finally:
        process.kill()
        process.communicate(timeout=60)


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


class Visitor(threading.Thread):
    """Asks again and again until nobody listens any more; notes each request that got no answer."""

    def __init__(self, port, body):
        super().__init__(daemon=True)
        self.port, self.body = port, body
        self.answered, self.lost = 0, []

    def run(self):
        while True:
            address = "127.0.0.1", self.port
            with closing(http.client.HTTPConnection(*address, timeout=20)) as connection:
                try:
                    connection.connect()
                except OSError:
                    return  # the doors are closed: nothing was accepted, nothing is lost
                if not self.talk(connection):
                    return

    def talk(self, connection):
        asked = 0
        while True:
            try:
                connection.request("POST", "/v1/read", self.body)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                if asked or get(self.port, "/livez") is not None:
                    self.lost.append(repr(error))
                return False  # else the connection waited at doors that never opened again
            asked += 1
            if answer.status != 200 or not json.loads(content):
                self.lost.append(answer.status)
            self.answered += 1
            if answer.will_close:
                return True


@pytest.mark.parametrize("signal_sent", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_loses_no_request_that_it_took(reader, digits, encode, signal_sent):
    with service(reader) as (process, port):
        visitors = [Visitor(port, encode(image)) for image in digits[:12]]
        for visitor in visitors:
            visitor.start()
        time.sleep(0.5)
        process.send_signal(signal_sent)
        time.sleep(0.3)
        assert get(port, "/readyz") == 503
        assert get(port, "/livez") == 200
        out, err = process.communicate(timeout=20)
        for visitor in visitors:
            visitor.join(20)
        assert [visitor.lost for visitor in visitors] == [[]] * len(visitors)
        answered = sum(visitor.answered for visitor in visitors)
        assert answered > len(visitors)
        assert process.returncode == 0
        assert err == ""
        told = int(re.search(r"stopped after ([\d,]+) answers", out)[1].replace(",", ""))
        assert told >= answered


def test_a_request_half_sent_is_waited_for(reader, digits, encode):
    body = encode(digits[0])
    head = f"POST /v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with service(reader) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
            peer.sendall(head + body[:50])
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            time.sleep(2)  # the doors are closed by now
            assert get(port, "/livez") is None
            peer.sendall(body[50:])
            assert peer.recv(2**16).startswith(b"HTTP/1.1 200 ")
        assert process.wait(20) == 0


def test_a_second_signal_stops_without_waiting(reader):
    with (
        service(reader) as (process, port),
        socket.create_connection(("127.0.0.1", port)) as peer,
    ):
        peer.sendall(b"POST /v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 130
        assert process.stderr.read() == ""


def test_a_thread_that_computes_on_does_not_keep_the_process(reader, number, encode):
    with service(reader, start=("-c", HELD_UP)) as (process, port):
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("POST", "/v1/read", encode(number))
            assert connection.getresponse().status == 503
        assert get(port, "/readyz") == (503 if SHARE == 1 else 200)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=8)
        assert (process.returncode, err) == (0, "")
        assert "stopped after" in out


@pytest.mark.parametrize("signals", [1, 2])
def test_a_client_that_takes_no_answers_does_not_keep_the_process(reader, unread, signals):
    with service(reader, start=("-c", HELD_UP)) as (process, port), socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", port))
        peer.sendall(unread)
        time.sleep(0.2)
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        _, err = process.communicate(timeout=8)
        assert (process.returncode, err) == ([0, 130][signals - 1], "")


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("words", "text"),
    [([], "stopped after 0 answers\n"), (["--json"], '{"address": null, "answered": 0}\n')],
)
def test_told_to_stop_while_it_loads_it_ends_as_ever(capsys, monkeypatch, told, words, text):
    def loading(*_, **__):
        signal.raise_signal(told)

    monkeypatch.setattr("inkdigits.reading.Reader", loading)
    assert main(["serve", *words]) == 0
    assert tuple(capsys.readouterr()) == (text, "")


def test_a_port_that_is_taken_is_told_in_one_line(reader, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--reader", str(reader.path), "--port", port]) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert f"127.0.0.1:{port}: cannot listen there (Address already in use);" in err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--port", "70000"], 2, "port 70000"),
        (["--host", ""], 2, "--host is empty"),
        (["--host", "no.such.host.invalid"], 1, "cannot listen"),
        (["--allow-origin", "*"], 2, "is no origin"),
        (["--reader", "nowhere.onnx"], 3, "nowhere.onnx"),
    ],
)
def test_wrong_words_are_told_in_one_line(reader, capsys, words, code, message):
    if "--reader" not in words:
        words = [*words, "--reader", str(reader.path)]
    assert main(["serve", *words]) == code
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert message in err
