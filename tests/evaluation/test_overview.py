import json

import numpy as np
import pytest

from inkdigits.data import Dataset, load
from inkdigits.evaluation.doubts import find_doubts
from inkdigits.evaluation.overview import FILES, overview, overview_text, write_overview


@pytest.fixture(scope="module")
def mnist():
    return load("mnist")


@pytest.fixture(scope="module")
def few(mnist):
    return mnist.take(np.arange(200))


def changed(few, **fields):
    return Dataset(**{"images": few.images, "labels": few.labels, "source": "it", **fields})


def test_mnist(mnist):
    seen = overview(mnist)
    json.dumps(seen)
    assert (seen["source"], seen["n"], seen["test"]) == ("mnist", 60_000, 10_000)
    assert seen["labels"] == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert seen["pixel_mean"] == 33.318  # 0.1307 of 255, as everybody's normalisation has it
    assert seen["duplicates"] == 0
    assert [doubt["kind"] for doubt in seen["doubts"]] == ["border"]


def kinds(dataset):
    return {doubt.kind: doubt.places.tolist() for doubt in find_doubts(dataset)}


def test_every_doubt_is_found_where_it_is(few):
    images, labels = few.images.copy(), few.labels.copy()
    images[3] = 0
    images[4] = 255 - images[4]
    images[5] = images[6]
    images[8, 10, 0] = 255
    images[20], labels[20] = images[10], (labels[10] + 1) % 10
    found = kinds(changed(few, images=images, labels=labels, test=few.take(np.array([30, 31]))))
    before = kinds(few)
    new = {kind: sorted(set(places) - set(before.get(kind, []))) for kind, places in found.items()}
    assert new["blank"] == [3]
    assert new["light"] == [4]
    assert new["border"] == [8]
    assert new["repeated"] == [6, 20]
    assert 10 in new["contradicted"]
    assert 20 in new["contradicted"]
    assert new["in_test"] == [30, 31]
    assert "missing" not in found


def test_missing_label_is_a_doubt(few):
    told = [doubt.what for doubt in find_doubts(few.take(np.flatnonzero(few.labels < 8)))]
    assert "no image of 8 and 9" in told


def test_ink_of_1_is_a_doubt_and_no_ink_is_none(few):
    assert "unscaled" in kinds(changed(few, images=few.images // 128))
    assert "unscaled" not in kinds(changed(few, images=few.images * 0))
    assert "unscaled" not in kinds(few)


def test_text_shows_table_counts_and_examples(few):
    text = overview_text(few)
    lines = text.splitlines()
    assert lines[0] == "mnist: 200 images of 28×28"
    assert lines[2].split() == ["label", *(f"pixel{i}" for i in range(8)), "…"]
    assert "200 rows × 785 columns" in lines
    assert [line.split()[0] for line in lines[3:8]] == ["0", "1", "2", "3", "4"]
    assert [line.split()[0] for line in lines[9:14]] == ["195", "196", "197", "198", "199"]
    bars = {line[0]: line for line in lines if "%" in line}
    counts = np.bincount(few.labels)
    assert all(f" {counts[label]} (" in bars[str(label)] for label in range(10))
    assert bars[str(counts.argmax())].count("█") == 40
    assert max(map(len, lines)) <= 80


def test_half_blocks_are_the_pixels(few):
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 2, 2:26] = 255
    image[0, 5, 2] = 255
    text = overview_text(Dataset(image, [7], "it"))
    assert f"7{' ' * 23}\n".rstrip() + "\n" + "▀" * 24 + "\n▄\n" in text


@pytest.mark.parametrize("n", [1, 2, 10, 11])
@pytest.mark.parametrize("labelled", [True, False])
def test_any_number_of_images(n, labelled, few, tmp_path):
    part = few.take(np.arange(n))
    part = (
        part if labelled else Dataset(part.images, None, "it", ids=[f"{i}.png" for i in range(n)])
    )
    text = overview_text(part)
    assert f"× {785 if labelled else 784} columns" in text
    assert overview(part)["labels"] == (
        np.bincount(part.labels, minlength=10).tolist() if labelled else None
    )
    assert write_overview(part, tmp_path / "seen").is_file()


def test_doubtful_images_of_a_folder_are_named(few):
    images = few.images[:3].copy()
    images[1] = 0
    named = Dataset(images, None, "scans", ids=["a.png", "b.png", "c.png"])
    assert overview_text(named).endswith(
        "\n\ndoubt: 1 image blank: every pixel is the same (b.png)"
    )


def test_page_stands_alone(few, tmp_path):
    odd = changed(few, source="<b>&.csv")
    path = write_overview(odd, tmp_path / "seen")
    assert sorted(file.name for file in path.parent.iterdir()) == sorted(FILES)
    html = path.read_text()
    assert "&lt;b&gt;&amp;.csv" in html
    assert "<b>&" not in html
    assert "http" not in html.replace("http-equiv", "")
    for name in ("label_counts.png", "examples.png"):
        assert (path.parent / name).read_bytes().startswith(b"\x89PNG")
