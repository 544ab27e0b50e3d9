"""One reader of several."""

import json
import shutil

import numpy as np
import onnx
import pytest

from inkdigits.errors import DataError, InkdigitsError, UsageError
from inkdigits.reading import Reader
from inkdigits.reading.seal import seal
from inkdigits.training import split, train
from inkdigits.training.calibration import refusal_threshold
from inkdigits.training.joining import join

SMALL = {"epochs": 2, "precision": "float32", "show": False}


@pytest.fixture(scope="module")
def readers(strokes, tmp_path_factory):
    """Runs of one seed: a quick one and two surer ones."""
    folder = tmp_path_factory.mktemp("runs")
    quick = train(strokes, "lenet5", folder=folder / "quick", **SMALL)
    sure = train(strokes, "convnet_tiny", "fast", folder=folder / "sure", **SMALL)
    other = train(strokes, "lenet5", "study", folder=folder / "other", **SMALL)
    return quick.reader, sure.reader, other.reader


@pytest.fixture(scope="module", params=[1, 2], ids=["one to ask", "two to ask"])
def asked(request, readers):
    return readers[1 : 1 + request.param]


@pytest.fixture(scope="module")
def joined(readers, asked, strokes, tmp_path_factory):
    return join(readers[0], asked, tmp_path_factory.mktemp("joined") / "all.onnx", data=strokes)


def rewrite(path, key, change):
    """Change one of the tables that a reader's file tells of itself."""
    model = onnx.load(path)
    about = {prop.key: prop.value for prop in model.metadata_props}
    table = json.loads(about[key])
    change(table)
    onnx.helper.set_model_props(model, about | {key: json.dumps(table)})
    path.write_bytes(seal(model.SerializeToString()))


def in_8_bits(path, folder):
    """The same reader with its weights, but not its biases, rounded to 255 steps a channel."""
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim > 1:
            step = np.abs(values).reshape(len(values), -1).max(1) / 127
            step = step.reshape(-1, *(1,) * (values.ndim - 1))
            rounded = (values / step).round() * step
            tensor.CopyFrom(onnx.numpy_helper.from_array(rounded, tensor.name))
    (folder / f"{path.parent.name}.onnx").write_bytes(seal(model.SerializeToString()))
    return folder / f"{path.parent.name}.onnx"


def test_is_the_quick_reader_where_that_is_sure_and_the_mean_elsewhere(
    readers, asked, joined, strokes, tmp_path
):
    paths = readers[0], *(in_8_bits(path, tmp_path) for path in asked)
    quick, *sure = (Reader(path).predict_proba(strokes.images) for path in paths)
    unsure = quick.max(axis=1) < joined.asks_below
    assert 0 < unsure.sum() < len(unsure)
    mean = np.exp(np.mean(np.log(np.maximum(sure, 1e-20)), axis=0))
    reader = Reader(joined.reader)
    found = np.exp(reader.logits(strokes.images))
    expected = np.where(unsure[:, None], mean, quick)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    scaled = expected ** (1 / joined.temperature)
    scaled /= scaled.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(reader.predict_proba(strokes.images), scaled, atol=1e-4)


@pytest.mark.parametrize("unsure", [0, 1])
def test_reads_batches_of_which_all_or_none_are_asked_about(readers, joined, strokes, unsure):
    quick = Reader(readers[0]).predict_proba(strokes.images)
    chosen = strokes.images[(quick.max(axis=1) < joined.asks_below) == unsure]
    reader = Reader(joined.reader)
    together = reader.predict_proba(chosen)
    one_by_one = np.concatenate([reader.predict_proba(image[None]) for image in chosen])
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)


def test_a_fiftieth_of_the_held_out_images_is_asked_about(readers, joined, strokes):
    fraction = Reader(readers[0]).recipe["validation_fraction"]
    held_out = split(strokes, fraction, 0)[1]
    quick = Reader(readers[0]).predict_proba(held_out.images)
    assert joined.asks_below == refusal_threshold(quick, 0.98)
    assert joined.asked == (quick.max(axis=1) < joined.asks_below).mean() <= 0.02
    right = Reader(joined.reader).predict(held_out.images) == held_out.labels
    assert joined.val_accuracy == right.mean()


def test_the_surer_readers_take_a_quarter_of_their_size(asked, readers, joined):
    whole = sum(path.stat().st_size for path in asked)
    more = joined.reader.stat().st_size - readers[0].stat().st_size
    assert more < 0.26 * whole + 14_000


def test_tells_of_all(asked, joined):
    reader = Reader(joined.reader)
    names = ["convnet_tiny", "lenet5"][: len(asked)]
    assert reader.origin()["network"] == f"lenet5, which asks {' and '.join(names)}"
    for told, path in zip(reader.provenance["asks"]["readers"], asked, strict=True):
        assert told["provenance"] == Reader(path).provenance
        assert told["sha256"] == Reader(path).sha256
    assert (reader.temperature, reader.threshold) == (joined.temperature, joined.threshold)


def test_same_readers_same_bytes(readers, asked, joined, strokes, tmp_path):
    runs = [path.parent for path in asked]
    again = join(readers[0].parent, runs, tmp_path / "again.onnx", data=strokes)
    assert again.reader.read_bytes() == joined.reader.read_bytes()


def test_the_images_held_out_must_be_the_same(readers, strokes, tmp_path):
    other = train(strokes, "lenet5", seed=1, folder=tmp_path / "other", **SMALL)
    with pytest.raises(UsageError, match="same seed"):
        join(readers[0], [readers[1], other.reader], tmp_path / "both.onnx", data=strokes)
    assert not (tmp_path / "both.onnx").exists()


def test_the_data_must_be_those_trained_on(readers, strokes, tmp_path):
    with pytest.raises(DataError, match="any more"):
        join(readers[0], readers[1:], tmp_path / "both.onnx", data=strokes.take(np.arange(100)))


def test_a_joined_reader_is_not_joined_again(readers, joined, strokes, tmp_path):
    with pytest.raises(UsageError, match="joined from others already"):
        join(joined.reader, [readers[1]], tmp_path / "both.onnx", data=strokes)


@pytest.mark.parametrize(
    "forget",
    [
        lambda table: table.pop("data"),
        lambda table: table["data"].pop("source"),
        lambda table: table["data"].pop("fingerprint"),
        lambda table: table.pop("seed"),
    ],
)
def test_readers_that_do_not_tell_of_their_data(readers, tmp_path, forget):
    for path, name in zip(readers[:2], ("quick", "sure"), strict=True):
        shutil.copy(path, tmp_path / name)
        rewrite(tmp_path / name, "provenance", forget)
    with pytest.raises(UsageError, match="same data"):
        join(tmp_path / "quick", [tmp_path / "sure"], tmp_path / "both.onnx")


def test_a_folder_that_is_not_there(readers, strokes, tmp_path):
    with pytest.raises(InkdigitsError, match="cannot be written"):
        join(readers[0], readers[1:], tmp_path / "none" / "both.onnx", data=strokes)
