"""What the service refuses, how fast, and what it does when it is full, slow or told to stop."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from inkdigits.serving import SHARE, Limits, create_app

MANY = 25_000_001


class SlowReader:
    """A reader whose network waits until it is let go."""

    def __init__(self, reader):
        self._reader = reader
        self.go = threading.Event()
        self.go.set()

    def predict_proba(self, images):
        assert self.go.wait(20)
        return self._reader.predict_proba(images)

    def __getattr__(self, name):
        return getattr(self._reader, name)


@pytest.fixture
def slow(reader, monkeypatch):
    """A reader that can be held up, whose network therefore never runs on the event loop."""
    monkeypatch.setattr("inkdigits.serving.batching.QUICK", 0.0)
    slow = SlowReader(reader)
    yield slow
    slow.go.set()


def told(answer, status, kind):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert set(error) == {"kind", "message", "where"}
    assert error["kind"] == kind
    return error["message"]


def test_a_body_over_the_limit_is_refused_by_its_length(start):
    client = start(limits=Limits(body=1000))
    assert "larger" in told(client.post("/v1/read", content=bytes(1001)), 413, "limit")
    told(client.post("/v1/read", content=bytes(1000)), 400, "data")


def test_a_body_over_the_limit_is_refused_while_it_streams(start):
    client = start(limits=Limits(body=1000))
    sent = []

    def parts(count):
        for number in range(count):
            sent.append(number)
            yield bytes(100)

    answer = client.post("/v1/read", content=parts(11))
    told(answer, 413, "limit")
    assert answer.headers["connection"] == "close"
    told(client.post("/v1/read", content=parts(10)), 400, "data")


def test_the_usual_limit_is_ten_mebibytes(client):
    told(client.post("/v1/read", content=bytes(10 * 2**20 + 1)), 413, "limit")


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF"])
def test_too_many_pixels_are_refused_before_decoding(client, tmp_path, monkeypatch, form):
    def never(*_):
        raise AssertionError("was decoded")

    compression = {"compression": "group4"} if form == "TIFF" else {}
    path = tmp_path / "large"
    Image.new("1", (MANY // 5000 + 1, 5000)).save(path, form, **compression)
    monkeypatch.setattr("inkdigits.reading.answer.decode", never)
    message = told(client.post("/v1/read", content=path.read_bytes()), 413, "limit")
    assert "25 megapixels" in message


@pytest.mark.parametrize(
    ("form", "mode", "size"), [("PNG", "1", (20_000, 10_000)), ("WEBP", "L", (5000, 3300))]
)
def test_what_the_decoder_will_not_hold_is_too_large_too(client, tmp_path, form, mode, size):
    path = tmp_path / "large"
    Image.new(mode, size).save(path, form)
    told(client.post("/v1/read", content=path.read_bytes()), 413, "limit")


def test_too_many_images_are_refused(start, digits):
    client = start(limits=Limits(images=3))
    rows = digits[:4].reshape(-1, 784).tolist()
    told(client.post("/v1/read", json={"images": rows}), 413, "limit")
    assert client.post("/v1/read", json={"images": rows[:3]}).status_code == 200


def test_when_full_the_next_is_refused_at_once_and_nobody_inside_is_lost(
    start, slow, digits, encode
):
    client = start(slow, limits=Limits(requests=3))
    body = encode(digits[0])
    slow.go.clear()
    with ThreadPoolExecutor(3) as pool:
        inside = [pool.submit(client.post, "/v1/read", content=body) for _ in range(3)]
        until(lambda: client.app.state.gate.inside == 3)
        began = time.perf_counter()
        refused = client.post("/v1/read", content=body)
        assert time.perf_counter() - began < 0.5
        told(refused, 503, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/readyz").status_code == 200
        slow.go.set()
        assert {answer.result().status_code for answer in inside} == {200}
    assert client.post("/v1/read", content=body).status_code == 200


def test_the_bytes_held_are_bounded_too(start, slow, digits, encode):
    body = encode(digits[0])
    client = start(slow, limits=Limits(body=len(body), held=len(body) + 10))
    slow.go.clear()
    with ThreadPoolExecutor(1) as pool:
        inside = pool.submit(client.post, "/v1/read", content=body)
        until(lambda: client.app.state.gate.inside == 1)
        told(client.post("/v1/read", content=body), 503, "busy")
        slow.go.set()
        assert inside.result().status_code == 200
    assert client.app.state.gate.held == 0


def test_pictures_that_would_wait_too_long_are_refused_at_once(start, slow, number, encode):
    client = start(slow, limits=Limits(wait=0.0))
    body = encode(number)
    slow.go.clear()
    with ThreadPoolExecutor(1) as pool:
        inside = pool.submit(client.post, "/v1/read", content=body)
        until(lambda: client.app.state.gate.inside == 1)
        time.sleep(0.1)
        told(client.post("/v1/read", content=body), 503, "busy")
        slow.go.set()
        assert inside.result().status_code == 200
    assert client.post("/v1/read", content=body).status_code == 200


@pytest.mark.parametrize("kind", ["digit", "sheet"])
def test_the_deadline_is_kept_and_the_place_given_back(start, slow, digits, number, encode, kind):
    client = start(slow, limits=Limits(deadline=1.0))
    slow.go.clear()
    body = encode(digits[0] if kind == "digit" else number)
    answer = client.post("/v1/read", content=body)
    told(answer, 503, "busy")
    assert "1 s" in answer.json()["error"]["message"]
    assert client.app.state.gate.inside == 0
    slow.go.set()
    until(lambda: client.post("/v1/read", content=body).status_code == 200, 30)


def test_while_every_thread_is_held_up_pictures_are_refused_at_once(
    start, slow, digits, number, encode
):
    client = start(slow, limits=Limits(deadline=0.3))
    slow.go.clear()
    body = encode(number)
    with ThreadPoolExecutor(SHARE) as pool:
        list(pool.map(lambda _: client.post("/v1/read", content=body), range(SHARE)))
    began = time.perf_counter()
    assert "held up" in told(client.post("/v1/read", content=body), 503, "busy")
    assert time.perf_counter() - began < 0.25
    assert "held up" in told(client.get("/readyz"), 503, "busy")
    assert "inkdigits_ready 0.0" in client.get("/metrics").text
    slow.go.set()
    until(lambda: client.get("/readyz").status_code == 200)
    assert client.post("/v1/read", content=body).status_code == 200


def test_what_waited_for_a_thread_in_vain_holds_none_up(start, slow, number, encode):
    client = start(slow, limits=Limits(deadline=0.3))
    slow.go.clear()
    with ThreadPoolExecutor(3 * SHARE) as pool:
        list(pool.map(lambda _: client.post("/v1/read", content=encode(number)), range(3 * SHARE)))
    assert len(client.app.state.gate.late) == SHARE


def test_what_is_late_is_not_read_any_more(start, slow, digits, encode):
    client = start(slow, limits=Limits(deadline=0.2))
    slow.go.clear()
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda i: client.post("/v1/read", content=encode(i)), digits[:5]))
    slow.go.set()
    until(lambda: client.post("/v1/read", content=encode(digits[0])).status_code == 200)
    text = client.get("/metrics").text
    (count,) = (line for line in text.splitlines() if line.startswith("inkdigits_batch_images_sum"))
    warming = 64 + 16 + 4 + 1 + 60
    assert float(count.split()[1]) <= warming


def test_not_ready_until_warm_but_alive(slow):
    from fastapi.testclient import TestClient

    slow.go.clear()
    app = create_app(slow)
    with TestClient(app) as client:
        assert client.get("/livez").json() == {"status": "alive"}
        told(client.get("/readyz"), 503, "busy")
        told(client.post("/v1/read", content=b"x"), 503, "busy")
        slow.go.set()
        until(lambda: client.get("/readyz").status_code == 200)


def test_while_draining_it_is_not_ready_but_still_answers(start, digits, encode):
    client = start()
    client.app.state.gate.draining = True
    told(client.get("/readyz"), 503, "busy")
    answer = client.post("/v1/read", content=encode(digits[0]))
    assert answer.status_code == 200
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("quick", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["digit", "sheet"])
def test_what_breaks_inside_is_told_without_its_inner_life(
    start, reader, digits, number, encode, kind, quick, monkeypatch
):
    monkeypatch.setattr("inkdigits.serving.batching.QUICK", quick)

    class Broken(SlowReader):
        def predict_proba(self, images):
            if not self.go.is_set():
                raise RuntimeError("secret")
            return super().predict_proba(images)

    broken = Broken(reader)
    client = start(broken)
    broken.go.clear()
    answer = client.post("/v1/read", content=encode(digits[0] if kind == "digit" else number))
    assert "secret" not in told(answer, 500, "failed") + answer.text
    broken.go.set()
    assert client.post("/v1/read", content=encode(digits[0])).status_code == 200


def test_a_reader_whose_threshold_is_never_reached_refuses(start, reader, digits):
    class Strict(SlowReader):
        threshold = 1.1

    answer = start(Strict(reader)).post(
        "/v1/read", json={"images": digits[:2].reshape(-1, 784).tolist()}
    )
    digits = [line["digits"][0] for reading in answer.json() for line in reading["lines"]]
    assert [digit["digit"] for digit in digits] == [None, None]
    assert all(digit["refused"] for digit in digits)


def until(true, seconds=10):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_blank_paper_is_refused_in_words(client, encode):
    answer = client.post("/v1/read", content=encode(np.full((50, 50), 255, np.uint8)))
    assert answer.json()[0]["refused"] == "blank: no ink found"
