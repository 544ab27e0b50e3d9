import json
import re
from html import unescape

import pytest

from inkdigits.evaluation.comparison import FILES, comparison_text, write_comparison
from inkdigits.evaluation.comparison_figures import COSTS, draw_accuracy, family
from inkdigits.evaluation.style import DARK, LIGHT, png

SETTINGS = {
    "title": "Deep <b>nets</b>",
    "data": "mnist42k",
    "images": 1000,
    "validation_images": 200,
    "recipe": "report",
    "epochs": 4,
    "batch_size": 128,
    "seeds": 2,
    "latency_rounds": 100,
}


def member(model, accuracies, **fields):
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    return {
        "model": model,
        "depth": 11,
        "parameters": 445_482,
        "multiply_adds": 2_420_864,
        "accuracies": accuracies,
        "mean": sum(known) / len(known) if known else None,
        "spread": 0.0012 if len(known) > 1 else None,
        "train_seconds": 12.5 if known else None,
        "latency_ms": 0.25 if known else None,
        "precision": "float32" if known else None,
        "runs": [],
        "error": None,
        **fields,
    }


@pytest.fixture(scope="module")
def members():
    return [
        member("vgg11", [0.96, 0.97]),
        member("vgg19", [0.11, 0.95], depth=19, multiply_adds=5_554_304),
        member("resnet18", [0.98, None], depth=18, error="seed 1: <out> of luck"),
        member("lenet5", [None, None], depth=5, error="seed 0: a; seed 1: b"),
    ]


@pytest.fixture(scope="module")
def folder(members, tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    (folder / "vgg11-seed0").mkdir()
    assert write_comparison(folder, SETTINGS, members) == folder / "index.html"
    return folder


@pytest.fixture(scope="module")
def words(folder):
    text = re.sub(
        r"<style>.*?</style>|<[^>]*>", "", (folder / "index.html").read_text(), flags=re.S
    )
    return unescape(text).replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")


def test_page_pictures_and_numbers_lie_beside_the_runs(folder, members):
    assert {path.name for path in folder.iterdir()} == {*FILES, "vgg11-seed0"}
    numbers = json.loads((folder / "comparison.json").read_text())
    assert numbers == {"settings": SETTINGS, "members": members}


def test_page_stands_alone(folder):
    source = (folder / "index.html").read_text()
    fetched = re.findall(r'(?:src|srcset|href)="([^"]*)"', source)
    assert len(fetched) == 2 * len(COSTS)
    assert all(value.startswith("data:image/png;base64,") for value in fetched)
    assert not re.search(r"<(script|link|iframe|object|b>)|url\(|@import", source)


def test_page_says_in_words_what_was_measured(words):
    assert "resnet18 read most: 98.00 % of the validation images after 4 epochs." in words
    assert "vgg1196.50 ± 0.12 %11445,4822.42 M12.5 s0.25 ms" in words.replace("\n", "")
    assert "lenet5failed5" in words.replace("\n", "")
    assert "Stayed near the 10 % of chance: vgg19 with one of two seeds." in words
    assert "seed 1: <out> of luck" in words
    assert "sample standard deviation" in words
    assert "how fast a network learns" in words


def test_text_has_a_row_for_each_and_what_failed(members):
    lines = comparison_text(SETTINGS, members).splitlines()
    assert [line.split()[0] for line in lines[:5]] == [
        "Model", "vgg11", "vgg19", "resnet18", "lenet5",
    ]  # fmt: skip
    assert len({len(line) for line in lines[:5]}) == 1
    assert "mean of 2 seeds" in lines[6]
    assert lines[7:] == [
        "resnet18 failed: seed 1: <out> of luck",
        "lenet5 failed: seed 0: a; seed 1: b",
    ]


@pytest.mark.parametrize("cost", COSTS, ids=lambda cost: cost.key)
def test_a_figure_shows_every_seed_mean_and_name(members, cost):
    [axes] = draw_accuracy(members, cost).axes
    drawn = [list(line.get_ydata()) for line in axes.get_lines()]
    for one in members[:3]:
        assert [a for a in one["accuracies"] if a is not None] in drawn
        assert [one["mean"]] in drawn
    assert sorted(text.get_text() for text in axes.texts) == ["resnet18", "vgg11", "vgg19"]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_figures_differ_by_theme_and_are_the_same_each_time(members):
    first = png(draw_accuracy(members, COSTS[0], LIGHT))
    assert png(draw_accuracy(members, COSTS[0], LIGHT)) == first
    assert png(draw_accuracy(members, COSTS[0], DARK)) != first


def test_one_network_with_one_seed_and_none_at_all(tmp_path):
    one = {**SETTINGS, "seeds": 1}
    write_comparison(tmp_path / "one", one, [member("lenet5", [1.0])])
    assert "± 0" not in comparison_text(one, [member("lenet5", [1.0])])
    write_comparison(tmp_path / "none", one, [member("lenet5", [None], error="seed 0: no")])
    assert "No training was finished." in (tmp_path / "none/index.html").read_text()


def test_many_families_still_have_a_figure():
    names = ["vgg11", "vgg11_bn", "plain18", "resnet18", "lenet5", "report_cnn", "inception_v1"]
    [axes] = draw_accuracy([member(name, [0.9, 0.99]) for name in names], COSTS[1]).axes
    assert {text.get_text() for text in axes.texts} == set(names)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("vgg16_1x1_bn", "vgg_bn"),
        ("vgg19", "vgg"),
        ("lenet5_1998", "lenet"),
        ("report_cnn", "report_cnn"),
    ],
)
def test_family_is_the_name_without_its_numbers(model, expected):
    assert family(model) == expected
