import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from inkdigits.anatomy import Anatomy, Occlusion, Stage, Window
from inkdigits.errors import InkdigitsError
from inkdigits.evaluation.explanation import DOES, FILES, write_explanation
from inkdigits.evaluation.feature_maps import chosen, drawn_stages

NASTY = "$\\<script>alert(1)</script><img src=http://example.org/x>.png"


class Page(HTMLParser):
    """What a browser would fetch from a page, and what a person would read on it."""

    def __init__(self, source):
        super().__init__()
        self.fetched, self.tags, self.words, self.alts = [], [], "", []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name in {"src", "srcset", "href", "data", "action", "poster"}:
                self.fetched.append(value)
            if name == "alt":
                self.alts.append(value)

    def handle_data(self, data):
        self.words += data.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")


def make_stage(name, kind, inputs, shape, *, parameters=0, windows=(), activation=""):
    values = np.random.default_rng(len(name)).normal(size=shape).astype(np.float32)
    if activation == "ReLU":
        values = values.clip(0)
    return Stage(name, kind, inputs, values, parameters, windows, activation)


@pytest.fixture(scope="module")
def anatomy():
    same = (Window(14, 3, 1, 1),)
    halved = make_stage(
        "pool", "MaxPooling2D", (28, 28, 20), (14, 14, 20),
        windows=(Window(28, 2, 0, 2, "window"),), activation="ReLU",
    )  # fmt: skip
    halved.maps[..., 3] = 0
    stages = (
        make_stage(
            "first",
            "Conv2D",
            (28, 28, 1),
            (28, 28, 20),
            parameters=200,
            windows=(Window(28, 3, 1, 1),),
        ),
        halved,
        make_stage("drop", "Dropout", (14, 14, 20), (14, 14, 20)),
        make_stage("block_1", "Block", (14, 14, 20), (14, 14, 20), parameters=9, windows=same),
        make_stage("block_2", "Block", (14, 14, 20), (14, 14, 20), parameters=9, windows=same),
        make_stage("flat", "Flatten", (14, 14, 20), (3920,)),
        make_stage("dense", "Dense", (3920,), (70,), parameters=274470, activation="ReLU"),
        make_stage("last", "Dense", (70,), (10,), parameters=710),
    )
    logits = stages[-1].maps
    shares = np.exp(logits) / np.exp(logits).sum()
    image = np.zeros((28, 28), np.uint8)
    image[6:22, 12:16] = 255
    generator = np.random.default_rng(0)
    return Anatomy(
        model="report_cnn",
        image=image,
        filters=generator.normal(size=(3, 3, 20)).astype(np.float32),
        stages=stages,
        logits=logits,
        temperature=1.0,
        probabilities=shares,
        gradient=generator.normal(size=(28, 28)).astype(np.float32),
        occlusion=Occlusion(5, generator.random((28, 28), np.float32) / 9, (10, 13), shares[::-1]),
    )


@pytest.fixture(scope="module")
def written(anatomy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "explanation"
    assert write_explanation(folder, anatomy, name=NASTY, truth=11) == folder / "index.html"
    return folder


def test_poster_and_page_are_written(written):
    assert {path.name for path in written.iterdir()} == set(FILES)
    with Image.open(written / "explanation.png") as poster:
        poster.load()
        assert poster.format == "PNG"
        assert poster.width == 2000


def test_page_stands_alone_and_escapes(written):
    page = Page((written / "index.html").read_text("utf-8"))
    assert "script" not in page.tags
    assert page.fetched
    assert all(place.startswith("data:image/png;base64,") for place in page.fetched)
    assert NASTY in page.words
    assert len(page.alts) == page.tags.count("img")
    assert all(page.alts)


def test_page_tells_answer_formulas_and_what_is_passed_over(written, anatomy):
    words = Page((written / "index.html").read_text("utf-8")).words
    assert f"Read as {anatomy.digit}, " in words
    assert "Its label says 11." in words
    assert "28×28, filter 3, padding 1, stride 1: (28 + 2·1 − 3)/1 + 1 = 28" in words
    assert "28×28, window 2, padding 0, stride 2: (28 + 2·0 − 2)/2 + 1 = 14" in words
    assert "20·(3·3·1 + 1) = 200" in words
    assert "not drawn: block_1." in words
    assert "The 16 liveliest of 20 maps" in words
    assert "1 map of 20 found nothing at all" in words
    assert "with 275,398 trained parameters" in words


def test_filters_are_shown_with_the_stage_that_has_them(anatomy, tmp_path):
    edge = make_stage("edge", "Cropping2D", (32, 32, 1), (28, 28, 1))
    edged = dataclasses.replace(anatomy, stages=(edge, *anatomy.stages))
    write_explanation(tmp_path / "page", edged, name="x.png")
    words = Page((tmp_path / "page/index.html").read_text("utf-8")).words
    before, told, after = words.partition("Each filter, and below it the map that it draws.")
    assert told
    assert "first: 20 maps" in before
    assert "pool: 20 maps" in after


def test_of_maps_of_one_size_the_first_and_the_last_are_drawn(anatomy):
    drawn = [(s.name, [b.name for b in between]) for s, between in drawn_stages(anatomy)]
    assert drawn == [("first", []), ("pool", []), ("block_2", ["block_1"]), ("dense", [])]


def test_the_liveliest_maps_are_chosen_and_keep_their_order():
    maps = np.zeros((4, 4, 6), np.float32)
    maps[0, 0] = [1, 5, 0, 3, 4, 2]
    stage = Stage("s", "Conv2D", (4, 4, 1), maps, 0, (), "")
    assert chosen(stage, 3).tolist() == [1, 3, 4]
    assert chosen(stage, 9).tolist() == [0, 1, 2, 3, 4, 5]


def test_a_blank_image_and_silent_maps_are_drawn(anatomy, tmp_path):
    silent = tuple(
        dataclasses.replace(stage, maps=np.zeros_like(stage.maps)) for stage in anatomy.stages
    )
    zeros = np.zeros((28, 28), np.float32)
    blank = dataclasses.replace(
        anatomy, image=zeros.astype(np.uint8), stages=silent, gradient=zeros,
        occlusion=dataclasses.replace(anatomy.occlusion, drop=zeros),
    )  # fmt: skip
    page = write_explanation(tmp_path / "blank", blank, name="blank.png")
    assert "20 maps of 20 found nothing" in page.read_text("utf-8")


def test_same_anatomy_same_bytes(written, anatomy, tmp_path):
    write_explanation(tmp_path / "again", anatomy, name=NASTY, truth=11)
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (written / name).read_bytes()


def test_sentences_fill_in_cleanly():
    for words in DOES.values():
        assert not re.search(r"[{}]", words.format(maps=3920))


def test_a_place_that_cannot_be_written_is_told(anatomy, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InkdigitsError):
        write_explanation(tmp_path / "file" / "folder", anatomy, name="x")
