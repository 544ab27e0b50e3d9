"""What every answer has in common: headers, errors of one shape, who may ask; and the page."""

import pytest

from inkdigits.errors import UsageError
from inkdigits.serving import Limits, create_app

PATHS = ["/", "/v1/reader", "/livez", "/readyz", "/metrics", "/openapi.json", "/nothing"]
ELSEWHERE = "https://elsewhere.example"


@pytest.mark.parametrize("path", PATHS)
def test_security_headers_are_on_every_answer(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers
    assert headers["cache-control"] == ("no-cache" if path == "/" else "no-store")


@pytest.mark.parametrize("path", PATHS)
def test_head_answers_like_get_without_a_body(client, path):
    got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1/read", 405, "POST"),
        ("HEAD", "/v1/read", 405, "POST"),
        ("DELETE", "/v1/read", 405, "POST"),
        ("OPTIONS", "/v1/read", 405, "POST"),
        ("POST", "/v1/reader", 405, "GET"),
        ("POST", "/", 405, "GET"),
        ("BREW", "/livez", 405, "GET"),
        ("GET", "/v1/", 404, None),
        ("GET", "/v2/read", 404, None),
        ("POST", "/v1/read/", 404, None),
        ("GET", "/..%2f..%2fapp.py", 404, None),
        ("GET", "/page/index.html", 404, None),
        ("GET", "/docs", 404, None),
    ],
)
def test_wrong_paths_and_methods_have_the_form_of_all_errors(client, method, path, status, allow):
    answer = client.request(method, path, follow_redirects=False)
    assert answer.status_code == status
    assert answer.headers.get("allow") == allow
    if method != "HEAD":
        assert answer.json()["error"]["kind"] == "usage"


def test_the_reader_tells_what_it_is(client, reader):
    answer = client.get("/v1/reader").json()
    assert answer["classes"] == list("0123456789")
    assert answer["threshold"] == reader.threshold
    assert answer["origin"] == reader.origin()


def test_metrics_count_answers_digits_and_batches(start, digits, encode):
    client = start()
    client.post("/v1/read", content=encode(digits[0]))
    client.post("/v1/read", content=b"none")
    client.get("/somewhere")
    text = client.get("/metrics").text
    assert 'inkdigits_requests_total{path="/v1/read",status="200"} 1.0' in text
    assert 'inkdigits_requests_total{path="/v1/read",status="400"} 1.0' in text
    assert 'inkdigits_requests_total{path="other",status="404"} 1.0' in text
    assert 'inkdigits_request_seconds_count{path="/v1/read"} 1.0' in text
    assert 'inkdigits_digits_total{outcome="read"} 1.0' in text
    assert "inkdigits_ready 1.0" in text
    assert "inkdigits_requests_inside 0.0" in text
    assert "/somewhere" not in text


def test_two_services_in_one_process_count_apart(start):
    one, other = start(), start()
    one.get("/somewhere")
    assert 'path="other"' not in other.get("/metrics").text


def test_the_page_is_sent_once(client):
    first = client.get("/")
    assert first.headers["content-type"].startswith("text/html")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get("/", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert client.get("/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_scripts_and_styles_of_the_page_have_their_types(client):
    assert client.get("/app.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/style.css").headers["content-type"].startswith("text/css")
    assert client.get("/icon.svg").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "https://proxy.example", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": ELSEWHERE}, 403),
        ({"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://testserver", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    ],
)
def test_pages_of_other_sites_are_turned_away(client, digits, encode, headers, status):
    answer = client.post("/v1/read", content=encode(digits[0]), headers=headers)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_a_link_from_another_site_still_opens_the_page(client):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=headers).status_code == 200
    assert client.get("/v1/reader", headers=headers).status_code == 200


def test_a_page_of_another_site_cannot_make_itself_heard_by_an_image(client):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/v1/reader", headers=headers).status_code == 403


def test_named_origins_see_errors_too(start, monkeypatch):
    client = start(origins=[ELSEWHERE], limits=Limits(body=100))
    ways = {
        400: {"content": b"no picture"},
        413: {"content": bytes(101)},
        415: {"content": b"x", "headers": {"Content-Encoding": "gzip"}},
        503: {"content": b"x"},
    }
    for status, way in ways.items():
        if status == 503:
            monkeypatch.setattr(client.app.state.gate, "inside", 64)
        headers = {"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site", **way.pop("headers", {})}
        answer = client.post("/v1/read", headers=headers, **way)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ELSEWHERE
        assert answer.headers["access-control-expose-headers"] == "Retry-After"
        assert answer.headers["vary"] == "Origin"
    assert client.get("/livez").headers["vary"] == "Origin"


def test_named_origins_may_use_it_and_no_others(start, digits, encode):
    client = start(origins=[ELSEWHERE])
    browser = {"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site"}
    answer = client.post("/v1/read", content=encode(digits[0]), headers=browser)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ELSEWHERE
    asked = browser | {"Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "content-type"
    allowed = client.options("/v1/read", headers=asked)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ELSEWHERE
    assert allowed.headers["access-control-allow-methods"] == "GET, POST"
    assert allowed.headers["access-control-allow-headers"] == "Content-Type"
    assert "content-security-policy" in allowed.headers
    other = client.post("/v1/read", content=b"", headers={"Origin": "https://other.example"})
    assert other.status_code == 403
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("origin", ["*", "example.org", "https://example.org/page", "null", ""])
def test_an_origin_that_is_none_is_wrong_usage(reader, origin):
    with pytest.raises(UsageError, match="is no origin"):
        create_app(reader, origins=[origin])
