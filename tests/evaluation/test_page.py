import base64
import re
import struct
from html.parser import HTMLParser

from inkdigits.evaluation.page import definitions, page, paragraph, picture, table
from inkdigits.evaluation.style import DARK, LIGHT
from inkdigits.evaluation.wording import listing, percent, plural, span, times

NASTY = "</title><script>alert(\"1\" & '2')</script>"


class Seen(HTMLParser):
    """Collects tags and text, and holds that all is closed in order."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.words, self.open = [], "", []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in {"meta", "img", "source"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def fake_png(width, height):
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)


def test_all_text_is_escaped():
    blocks = [
        paragraph(NASTY),
        picture(fake_png(2, 2), fake_png(2, 2), NASTY, NASTY),
        table(NASTY, [NASTY, NASTY], [[NASTY, NASTY]]),
        definitions({NASTY: NASTY}),
    ]
    source = page(NASTY, NASTY, [(NASTY, blocks)])
    assert "<script" not in source
    seen = Seen(source)
    assert seen.words.count(NASTY) == 13
    assert [a["alt"] for tag, a in seen.tags if tag == "img"] == [NASTY]


def test_page_has_what_readers_of_all_kinds_need():
    source = page("T", "L", [("One", [paragraph("p")]), ("Two", [table("c", ["a"], [["b"]])])])
    seen = Seen(source)
    tags = [tag for tag, _ in seen.tags]
    assert source.startswith("<!doctype html>")
    assert dict(seen.tags)["html"] == {"lang": "en"}
    assert [tag for tag in tags if re.fullmatch("h[1-6]", tag)] == ["h1", "h2", "h2"]
    assert {"main", "header", "figcaption"} <= set(tags)
    metas = [attributes for tag, attributes in seen.tags if tag == "meta"]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in metas
    assert any("default-src 'none'" in meta.get("content", "") for meta in metas)
    assert [a["scope"] for tag, a in seen.tags if tag == "th"] == ["col", "row"]


def test_pictures_are_inlined_for_light_and_dark():
    light, dark = fake_png(1280, 640), fake_png(1280, 642)
    seen = dict(Seen(picture(light, dark, "alt", "caption")).tags)
    assert seen["source"]["media"] == "(prefers-color-scheme: dark)"
    for attribute, content in ((seen["source"]["srcset"], dark), (seen["img"]["src"], light)):
        kind, data = attribute.split(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data) == content
    assert (seen["img"]["width"], seen["img"]["height"]) == ("640", "320")


def test_page_and_figures_share_their_colours():
    source = page("", "", [])
    for theme in (LIGHT, DARK):
        for name in ("paper", "ink", "quiet", "faint"):
            assert f"--{name}: {getattr(theme, name)}" in source


def test_numbers_are_written_as_a_person_would():
    assert percent(0.9917) == "99.17\xa0%"
    assert percent(1.0) == "100.00\xa0%"
    assert percent(0.99999) == ">\xa099.99\xa0%"
    assert percent(0.00001, 1) == "<\xa00.1\xa0%"
    assert percent(0.0) == "0.00\xa0%"
    assert span((0.98951, 0.99341)) == "98.95–99.34\xa0%"
    assert [times(n) for n in (1, 2, 4, 13, 1000)] == [
        "once", "twice", "four times", "13 times", "1,000 times"
    ]  # fmt: skip
    assert (plural(1, "image"), plural(8400, "image")) == ("1 image", "8,400 images")
    assert [listing(list(parts)) for parts in ("", "a", "ab", "abc")] == [
        "", "a", "a and b", "a, b and c"
    ]  # fmt: skip
