"""One reader of two."""

import json
import shutil

import numpy as np
import onnx
import pytest

from inkdigits.errors import DataError, InkdigitsError, UsageError
from inkdigits.reading import Reader
from inkdigits.training import split, train
from inkdigits.training.calibration import refusal_threshold
from inkdigits.training.joining import join

SMALL = {"epochs": 2, "precision": "float32", "show": False}


@pytest.fixture(scope="module")
def readers(strokes, tmp_path_factory):
    """Two runs of one seed: a quick one and a surer one."""
    folder = tmp_path_factory.mktemp("runs")
    quick = train(strokes, "lenet5", folder=folder / "quick", **SMALL)
    sure = train(strokes, "convnet_tiny", "fast", folder=folder / "sure", **SMALL)
    return quick.reader, sure.reader


@pytest.fixture(scope="module")
def joined(readers, strokes, tmp_path_factory):
    return join(*readers, tmp_path_factory.mktemp("joined") / "both.onnx", data=strokes)


def rewrite(path, key, change):
    """Change one of the tables that a reader's file tells of itself."""
    model = onnx.load(path)
    about = {prop.key: prop.value for prop in model.metadata_props}
    table = json.loads(about[key])
    change(table)
    onnx.helper.set_model_props(model, about | {key: json.dumps(table)})
    onnx.save(model, path)


def test_is_the_quick_reader_where_that_is_sure_and_the_mean_elsewhere(readers, joined, strokes):
    quick, sure = (Reader(path).predict_proba(strokes.images) for path in readers)
    unsure = quick.max(axis=1) < joined.asks_below
    assert 0 < unsure.sum() < len(unsure)
    expected = np.where(unsure[:, None], (quick + 2 * sure) / 3, quick)
    reader = Reader(joined.reader)
    np.testing.assert_allclose(np.exp(reader.logits(strokes.images)), expected, atol=1e-5)
    scaled = expected ** (1 / joined.temperature)
    scaled /= scaled.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(reader.predict_proba(strokes.images), scaled, atol=1e-4)


@pytest.mark.parametrize("asked", [0, 1])
def test_reads_batches_of_which_all_or_none_are_asked_about(readers, joined, strokes, asked):
    quick = Reader(readers[0]).predict_proba(strokes.images)
    chosen = strokes.images[(quick.max(axis=1) < joined.asks_below) == asked]
    reader = Reader(joined.reader)
    together = reader.predict_proba(chosen)
    one_by_one = np.concatenate([reader.predict_proba(image[None]) for image in chosen])
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)


def test_a_twentieth_of_the_held_out_images_is_asked_about(readers, joined, strokes):
    fraction = Reader(readers[0]).recipe["validation_fraction"]
    held_out = split(strokes, fraction, 0)[1]
    quick = Reader(readers[0]).predict_proba(held_out.images)
    assert joined.asks_below == refusal_threshold(quick, 0.95)
    assert joined.asked == (quick.max(axis=1) < joined.asks_below).mean() <= 0.05
    right = Reader(joined.reader).predict(held_out.images) == held_out.labels
    assert joined.val_accuracy == right.mean()


def test_tells_of_both(readers, joined):
    reader = Reader(joined.reader)
    assert reader.origin()["network"] == "lenet5, which asks convnet_tiny"
    assert reader.provenance["asks"]["provenance"] == Reader(readers[1]).provenance
    assert (reader.temperature, reader.threshold) == (joined.temperature, joined.threshold)


def test_same_readers_same_bytes(readers, joined, strokes, tmp_path):
    again = join(readers[0].parent, readers[1].parent, tmp_path / "again.onnx", data=strokes)
    assert again.reader.read_bytes() == joined.reader.read_bytes()


def test_the_images_held_out_must_be_the_same(readers, strokes, tmp_path):
    other = train(strokes, "lenet5", seed=1, folder=tmp_path / "other", **SMALL)
    with pytest.raises(UsageError, match="same seed"):
        join(readers[0], other.reader, tmp_path / "both.onnx", data=strokes)
    assert not (tmp_path / "both.onnx").exists()


def test_the_data_must_be_those_trained_on(readers, strokes, tmp_path):
    with pytest.raises(DataError, match="any more"):
        join(*readers, tmp_path / "both.onnx", data=strokes.take(np.arange(100)))


def test_a_joined_reader_is_not_joined_again(readers, joined, strokes, tmp_path):
    with pytest.raises(UsageError, match="joined from two readers already"):
        join(joined.reader, readers[1], tmp_path / "both.onnx", data=strokes)


@pytest.mark.parametrize(
    "forget",
    [
        lambda table: table.pop("data"),
        lambda table: table["data"].pop("source"),
        lambda table: table["data"].pop("fingerprint"),
        lambda table: table.pop("seed"),
        lambda table: table.update(data="mnist"),
    ],
)
def test_readers_that_do_not_tell_of_their_data(readers, tmp_path, forget):
    for path, name in zip(readers, ("quick", "sure"), strict=True):
        shutil.copy(path, tmp_path / name)
        rewrite(tmp_path / name, "provenance", forget)
    with pytest.raises(UsageError, match="same data"):
        join(tmp_path / "quick", tmp_path / "sure", tmp_path / "both.onnx")


def test_a_folder_that_is_not_there(readers, strokes, tmp_path):
    with pytest.raises(InkdigitsError, match="cannot be written"):
        join(*readers, tmp_path / "none" / "both.onnx", data=strokes)
