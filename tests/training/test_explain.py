import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from inkdigits.cli import main
from inkdigits.errors import DataError
from inkdigits.evaluation.explanation import DOES
from inkdigits.evaluation.feature_maps import drawn_stages
from inkdigits.models import ARCHITECTURES, create
from inkdigits.models.summary import layer_table
from inkdigits.reading import Reader
from inkdigits.training import RECIPES, train
from inkdigits.training.explain import PATCH, dissect, explain
from inkdigits.training.run import Run, latest_run

DASH = np.zeros((28, 28), np.uint8)
DASH[12:15, 11:17] = 200


@pytest.fixture(scope="module")
def finished(strokes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "lenet5"
    return train(
        strokes, "lenet5", epochs=2, folder=folder, precision="float32", show=False, seed=1
    )


@pytest.fixture
def copied(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_explained_as_its_layer_table_says(name):
    torch.manual_seed(0)
    network = create(name)
    anatomy = dissect(network, name, DASH)
    rows = [row for row in layer_table(name).layers if not row.training_only]
    assert [(s.name, s.kind, s.shape, s.parameters) for s in anatomy.stages] == [
        (row.name, row.kind, row.shape, row.parameters) for row in rows
    ]
    for stage, after in zip(anatomy.stages, anatomy.stages[1:], strict=False):
        assert after.inputs == stage.shape
    for stage in anatomy.stages:
        if len(stage.shape) == 3 and stage.windows and stage.kind != "Block":
            assert stage.windows[-1].places == stage.shape[0]
        if stage.activation == "ReLU":
            assert (stage.maps >= 0).all()
    assert {stage.kind for stage, _ in drawn_stages(anatomy)} <= set(DOES)
    assert any(stage is anatomy.filtering for stage, _ in drawn_stages(anatomy))
    assert anatomy.filtering.shape[-1] == anatomy.filters.shape[-1]
    assert anatomy.filtering.windows[0].side == anatomy.filters.shape[0]
    arrays = [stage.maps for stage in anatomy.stages]
    arrays += [anatomy.filters, anatomy.gradient, anatomy.occlusion.drop]
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays)
    with torch.no_grad():
        expected = network(torch.from_numpy(DASH[None]))[0].numpy()
    assert np.array_equal(anatomy.stages[-1].maps, expected)
    assert anatomy.gradient.any()


def test_maps_are_what_the_next_layer_sees():
    torch.manual_seed(0)
    network = create("report_cnn")
    stages = dissect(network, "report_cnn", DASH).stages
    x = torch.from_numpy(DASH[None, None] / np.float32(255))
    with torch.no_grad():
        convolved = network.body[0](x)[0]
    assert np.allclose(stages[0].maps, convolved.permute(1, 2, 0), atol=1e-6)
    tall = np.maximum(stages[0].maps[::2], stages[0].maps[1::2])
    pooled = np.maximum(tall[:, ::2], tall[:, 1::2]).clip(0)
    assert (stages[1].kind, stages[1].activation) == ("MaxPooling2D", "ReLU")
    assert np.allclose(stages[1].maps, pooled, atol=1e-6)


def test_the_formulas_of_a_residual_block_tell_both_ways():
    block = next(s for s in dissect(create("resnet18"), "resnet18", DASH).stages if "3_1" in s.name)
    assert [(w.size, w.side, w.padding, w.stride, w.places) for w in block.windows] == [
        (14, 3, 1, 2, 7),
        (7, 3, 1, 1, 7),
        (14, 1, 0, 2, 7),
    ]


def test_an_image_that_cannot_be_written_to_is_explained(finished):
    image = DASH.copy()
    image.flags.writeable = False
    assert np.isfinite(explain(finished, image).gradient).all()


def test_a_blank_image_loses_nothing_by_hiding_it():
    torch.manual_seed(0)
    anatomy = dissect(create("lenet5"), "lenet5", np.zeros((28, 28), np.uint8))
    assert not anatomy.occlusion.drop.any()
    assert np.array_equal(anatomy.occlusion.probabilities, anatomy.probabilities)


def test_hiding_tells_what_the_reader_tells_of_a_hidden_image(finished):
    image = DASH
    occlusion = explain(finished, image).occlusion
    rows, columns = np.nonzero(occlusion.drop)
    reach = PATCH // 2
    assert rows.min() >= 12 - reach
    assert rows.max() <= 14 + reach
    assert columns.min() >= 11 - reach
    assert columns.max() <= 16 + reach
    reader = Reader(finished.reader)
    whole, hidden = reader.predict_proba(np.stack([image, occlusion.hide(image)]))
    digit = whole.argmax()
    assert np.allclose(occlusion.probabilities, hidden, atol=1e-5)
    assert occlusion.drop.max() == pytest.approx(whole[digit] - hidden[digit], abs=1e-5)


def test_probabilities_are_the_readers(finished, strokes):
    anatomy = explain(finished, strokes.images[3])
    reader = Reader(finished.reader)
    assert anatomy.temperature == reader.temperature != 1
    assert np.array_equal(anatomy.probabilities, reader.predict_proba(strokes.images[3])[0])
    assert np.allclose(anatomy.stages[-1].maps, anatomy.logits, atol=1e-4)
    told = anatomy.to_json()
    assert json.loads(json.dumps(told)) == told
    assert told["digit"] == reader.predict(strokes.images[3])[0]
    assert told["stages"][0] == {
        "name": "c1",
        "kind": "Conv2D",
        "shape": [28, 28, 6],
        "parameters": 156,
        "formula": "28×28, filter 5, padding 2, stride 1: (28 + 2·2 − 5)/1 + 1 = 28",
    }


def test_explaining_twice_gives_the_same_and_leaves_random_numbers_alone(finished):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    one, two = explain(finished, DASH), explain(finished, DASH)
    assert torch.equal(torch.rand(3), expected)
    assert np.array_equal(one.gradient, two.gradient)


def remove_result(run):
    del run.manifest["result"]
    (run.folder / "run.json").write_text(json.dumps(run.manifest))


def cut_tensors(run):
    (file,) = run.checkpoint.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:1000])


def exchange_reader(run):
    run.manifest["model"] = "report_cnn"
    (run.folder / "run.json").write_text(json.dumps(run.manifest))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (remove_result, "has not ended"),
        (lambda run: run.reader.unlink(), "cannot be read"),
        (lambda run: run.reader.write_bytes(b"noise"), "damaged"),
        (lambda run: shutil.rmtree(run.checkpoint), "no checkpoint"),
        (lambda run: (run.checkpoint / "checkpoint.json").write_text("{"), "damaged"),
        (cut_tensors, "damaged"),
        (exchange_reader, "another network"),
    ],
)
def test_a_harmed_run_is_one_clear_error(copied, harm, words):
    harm(copied)
    with pytest.raises(DataError, match=words) as caught:
        explain(Run(copied.folder), DASH)
    assert "\n" not in str(caught.value)


def test_a_reader_of_another_training_is_told(copied, strokes, tmp_path):
    other = train(
        strokes, "lenet5", epochs=1, folder=tmp_path / "o", precision="float32", show=False, seed=2
    )
    shutil.copy(other.reader, copied.reader)
    with pytest.raises(DataError, match="not of one training"):
        explain(copied, DASH)


def test_a_reader_that_moves_images_is_taken_at_its_word(strokes, tmp_path, monkeypatch):
    monkeypatch.setitem(RECIPES, "study", replace(RECIPES["study"], moved=True))
    settings = {"recipe": "study", "epochs": 1, "precision": "float32", "show": False}
    run = train(strokes, "lenet5", folder=tmp_path / "run", **settings)
    anatomy = explain(run, strokes.images[0])
    assert np.array_equal(anatomy.logits, Reader(run.reader).logits(strokes.images[:1])[0])
    assert not np.allclose(anatomy.logits, anatomy.stages[-1].maps, atol=1e-3)
    hidden = anatomy.occlusion.probabilities[anatomy.digit]
    fall = anatomy.probabilities[anatomy.digit] - hidden
    assert fall == pytest.approx(anatomy.occlusion.drop.max(), abs=2e-6)


def test_the_command_writes_the_page_and_prints_one_object(copied, tmp_path, monkeypatch, capsys):
    Image.fromarray(255 - DASH.repeat(3, 0).repeat(3, 1)).save(tmp_path / "dash.png")
    (tmp_path / "runs").mkdir()
    copied.folder.rename(tmp_path / "runs" / "lenet5-report-1")
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "dash.png", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert set(told) == {"digit", "probability", "probabilities", "stages", "page"}
    assert (tmp_path / told["page"]).is_file()
    assert (tmp_path / "explanation" / "explanation.png").is_file()
    assert err.strip() == "by the latest run, runs/lenet5-report-1"


def test_the_command_tells_of_a_missing_picture_and_writes_nothing(
    finished, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "none.png", "--run", str(finished.folder)]) == 3
    assert capsys.readouterr().err.startswith("inkdigits: none.png: cannot be read")
    assert not list(tmp_path.iterdir())


def test_the_latest_run_is_the_one_that_ended_last(copied):
    folder = copied.folder.parent
    shutil.copytree(copied.folder, folder / "older")
    os.utime(folder / "older" / "run.json", (1, 1))
    shutil.copytree(copied.folder, folder / "stopped")
    remove_result(Run(folder / "stopped"))
    (folder / "damaged").mkdir()
    (folder / "damaged" / "run.json").write_text("{")
    assert latest_run(folder).folder == copied.folder


def test_no_run_at_all_says_to_train_first(tmp_path):
    with pytest.raises(DataError, match="train first"):
        latest_run(tmp_path / "runs")
