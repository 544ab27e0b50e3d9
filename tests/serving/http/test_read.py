"""POST /v1/read: what it answers, and that it is what Reader.read answers."""

import numpy as np
import pytest

JSON = {"Content-Type": "application/json"}


def as_told(reading, detail=False):
    """A reading in the form that the service answers."""
    form = reading.as_dict()
    if detail:
        for told, line in zip(form["lines"], reading.lines, strict=True):
            for digit, found in zip(told["digits"], line.digits, strict=True):
                digit["probabilities"] = [round(p, 6) for p in found.probabilities]
                digit["ink"] = found.ink.ravel().tolist()
    return form


@pytest.fixture(scope="session")
def same():
    def same(answer, readings, detail=False):
        """Batches of another size round otherwise in the last bits; all else is equal."""
        expected = [as_told(reading, detail) for reading in readings]
        for told, due in zip(answer, expected, strict=True):
            for got, line in zip(told["lines"], due["lines"], strict=True):
                for one, other in zip(got["digits"], line["digits"], strict=True):
                    assert one.pop("probability") == pytest.approx(
                        other.pop("probability"), abs=1e-5
                    )
                    assert one.pop("probabilities", 0) == pytest.approx(
                        other.pop("probabilities", 0), abs=1e-5
                    )
        return answer == expected

    return same


def test_single_digits_as_png(client, reader, digits, encode, same):
    for image in digits[:20]:
        answer = client.post("/v1/read", content=encode(image))
        assert answer.status_code == 200
        assert same(answer.json(), [reader.read(image)])


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "JPEG"])
def test_a_sheet_in_any_format(client, reader, number, encode, same, form):
    content = encode(number, form)
    answer = client.post("/v1/read", content=content)
    assert same(answer.json(), [reader.read(content)])


def test_digit_images_as_json(client, reader, digits, same):
    rows = digits.reshape(-1, 784).tolist()
    answer = client.post("/v1/read", json={"images": rows})
    assert same(answer.json(), [reader.read(image) for image in digits])


def test_an_image_that_is_not_in_mnist_form_is_searched(client, reader, digits, same):
    images = [digits[0], 255 - digits[1], np.zeros((28, 28), np.uint8)]
    answer = client.post("/v1/read", json={"images": [i.ravel().tolist() for i in images]})
    assert same(answer.json(), [reader.read(image) for image in images])
    assert answer.json()[2]["refused"].startswith("blank")


def test_no_images_no_readings(client):
    assert client.post("/v1/read", json={"images": []}).json() == []


def test_detail_adds_probabilities_and_ink(client, reader, number, encode, same):
    content = encode(number)
    answer = client.post("/v1/read?detail=true", content=content).json()
    assert len(answer[0]["lines"][0]["digits"][0]["ink"]) == 784
    assert same(answer, [reader.read(content)], detail=True)


def test_one_digit_expected(client, reader, number, encode, same):
    content = encode(number)
    answer = client.post("/v1/read?one=true", content=content).json()
    assert same(answer, [reader.read(content, one=True)])
    assert answer[0]["refused"].startswith("several digits")


def test_many_at_once_get_their_own_answers(start, reader, digits, encode):
    from concurrent.futures import ThreadPoolExecutor

    client = start()
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda i: client.post("/v1/read", content=encode(i)).json(), digits)
        )
    assert [a[0]["lines"][0]["text"] for a in answers] == [reader.read(i).text for i in digits]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", None),
        (b"{", None),
        (b"\xff", None),
        (b"[]", None),
        (b"{}", None),
        (b'{"images": [[1, 2]]}', "images[0]"),
        (b'{"images": 3}', "images"),
        (b'{"images": [], "model": "x"}', None),
        (b'{"images": [[%s]]}' % b",".join([b"0"] * 783 + [b"256"]), "images[0][783]"),
        (b'{"images": [[%s]]}' % b",".join([b"0"] * 783 + [b"-1"]), "images[0][783]"),
        (b'{"images": [[%s]]}' % b",".join([b"0"] * 783 + [b"0.5"]), "images[0][783]"),
        (b'{"images": [[%s]]}' % b",".join([b"0"] * 783 + [b"true"]), "images[0][783]"),
        (b'{"images": [[%s]]}' % b",".join([b"0"] * 783 + [b'"1"']), "images[0][783]"),
        (b'{"images": [[%s]]}' % b",".join([b"0"] * 785), "images[0]"),
        (b"[" * 100_000, None),
    ],
)
def test_json_that_is_wrong_is_told_with_its_place(client, body, where):
    answer = client.post("/v1/read", content=body, headers=JSON)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"kind", "message", "where"}
    assert (error["kind"], error["where"]) == ("data", where)
    assert "\n" not in error["message"]


def test_an_empty_body_is_told_as_such(client):
    error = client.post("/v1/read", content=b"").json()["error"]
    assert error["message"].startswith("the body is empty")


@pytest.mark.parametrize("cut", [0, 1, 8, 40, 200])
def test_bytes_that_are_no_picture(client, encode, number, cut):
    answer = client.post("/v1/read", content=encode(number)[:cut])
    assert answer.status_code == 400
    assert answer.json()["error"]["kind"] == "data"


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"Content-Type": "multipart/form-data; boundary=x"}, "", 415),
        ({"Content-Encoding": "gzip"}, "", 415),
        ({"Content-Encoding": "identity"}, "", 200),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "", 200),
        ({}, "?detail=yes", 400),
        ({}, "?one=", 400),
        ({}, "?oen=true", 400),
        ({}, "?other=1&detail=false", 400),
        ({}, "?one=false&detail=false", 200),
        ({"Content-Length": "many"}, "", 400),
    ],
)
def test_how_it_is_asked(client, digits, encode, headers, query, status):
    answer = client.post(f"/v1/read{query}", content=encode(digits[0]), headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]["kind"] == "usage"
