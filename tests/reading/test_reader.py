import subprocess
import sys
import threading

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inkdigits.errors import DataError
from inkdigits.reading import Reader
from inkdigits.reading.reader import BATCH

IMAGES = np.random.default_rng(0).integers(0, 256, (2 * BATCH + 7, 28, 28), dtype=np.uint8)


def refusal(path):
    """The one line with which Reader refuses ``path``."""
    with pytest.raises(DataError) as caught:
        Reader(path)
    assert caught.value.where == str(path)
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("count", [0, 1, 7, BATCH, BATCH + 1, len(IMAGES)])
def test_outputs_are_the_networks_at_any_count(write, expected, count):
    reader = Reader(write())
    images = IMAGES[:count]
    logits, probabilities = expected(images)
    np.testing.assert_allclose(reader.logits(images), logits, atol=1e-3)
    np.testing.assert_allclose(reader.predict_proba(images), probabilities, atol=1e-4)
    assert reader.predict_proba(images).dtype == np.float32
    assert reader.predict_proba(images).shape == (count, 10)
    assert reader.predict(images).dtype == np.uint8
    np.testing.assert_array_equal(reader.predict(images), logits.argmax(axis=1))


def test_it_says_what_it_is(write):
    path = write()
    reader = Reader(str(path))
    assert reader.path == path
    assert reader.classes == tuple("0123456789")
    assert (reader.temperature, reader.threshold) == (2.0, 0.5)
    assert reader.recipe == {"name": "tiny", "epochs": 1}
    assert reader.origin()["recipe"] == "tiny, 1 epoch"
    assert reader.provenance == {"model": "linear", "seed": 7}
    assert repr(reader) == f"Reader('{path}': linear, threshold 0.500)"


def test_images_of_another_shape_are_refused(write):
    with pytest.raises(DataError, match="shape"):
        Reader(write()).predict(np.zeros((2, 32, 32), np.uint8))


def test_threads_may_share_one(write):
    reader = Reader(write())
    alone = reader.predict_proba(IMAGES)
    together = [None] * 4

    def read(slot):
        together[slot] = reader.predict_proba(IMAGES)

    threads = [threading.Thread(target=read, args=(slot,)) for slot in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in together:
        np.testing.assert_array_equal(result, alone)


def test_missing_file(tmp_path):
    assert "No such file" in refusal(tmp_path / "none.onnx")


def test_a_run_folder_stands_for_the_reader_in_it(write):
    path = write()
    assert path.name == "reader.onnx"
    assert Reader(path.parent).path == path


def test_folder_without_a_reader(tmp_path):
    with pytest.raises(DataError, match="No such file") as caught:
        Reader(tmp_path)
    assert caught.value.where == str(tmp_path / "reader.onnx")


def test_empty_file(tmp_path):
    path = tmp_path / "reader.onnx"
    path.touch()
    assert "empty" in refusal(path)


def test_random_bytes(tmp_path):
    path = tmp_path / "reader.onnx"
    path.write_bytes(np.random.default_rng(2).bytes(5000))
    assert "damaged" in refusal(path)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_cut_short(write, share):
    path = write()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "damaged" in refusal(path)


def test_a_network_of_others(write):
    assert "not a reader written by inkdigits" in refusal(write({"inkdigits": None}))


def test_a_later_format(write):
    assert "format '2'" in refusal(write({"inkdigits": "2"}))


@pytest.mark.parametrize("key", ["temperature", "threshold"])
@pytest.mark.parametrize("value", ["", "warm", "nan", "inf", "-1", "[1]", None])
def test_numbers_that_are_none(write, key, value):
    assert key in refusal(write({key: value}))


@pytest.mark.parametrize(("key", "value"), [("temperature", "0"), ("threshold", "1.5")])
def test_numbers_out_of_range(write, key, value):
    assert "out of range" in refusal(write({key: value}))


@pytest.mark.parametrize("key", ["recipe", "provenance"])
@pytest.mark.parametrize("value", ["", "{", "[]", "3", "[" * 100_000, None])
def test_tables_that_are_none(write, key, value):
    assert key in refusal(write({key: value}))


@pytest.mark.parametrize(
    "value",
    [
        '{"data": 5}',
        '{"data": "mnist"}',
        '{"data": {"images": "x"}}',
        '{"versions": 3}',
        '{"asks": {"readers": [1]}}',
    ],
)
def test_an_origin_that_cannot_be_told(write, value):
    assert "its provenance is not as" in refusal(write({"provenance": value}))


@pytest.mark.parametrize("value", ['["cat","dog"]', '"0123456789"', "null", "", None])
def test_other_classes(write, value):
    assert "classes" in refusal(write({"classes": value}))


@pytest.mark.parametrize("image", [("batch", 784), (1, 28, 28), ("batch", 1, 28, 28)])
def test_images_of_another_shape_in_the_network(write, image):
    assert "does not take images" in refusal(write(image=image))


def test_images_of_another_type_in_the_network(write):
    assert "does not take images" in refusal(write(kind=TensorProto.FLOAT))


def test_a_network_with_other_classes(write):
    assert "does not give logits" in refusal(write(classes=9))


def edit(path, change):
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    return path


def test_a_network_that_cannot_run(write):
    def reshape(model):
        node = helper.make_node("Reshape", ["float", "shape"], ["flat"])
        model.graph.node[1].CopyFrom(node)
        model.graph.initializer.append(helper.make_tensor("shape", TensorProto.INT64, [2], [3, -1]))

    assert "does not run" in refusal(edit(write(), reshape))


def test_probabilities_that_are_none(write):
    def no_softmax(model):
        model.graph.node[5].op_type = "Identity"

    assert "do not sum to 1" in refusal(edit(write(), no_softmax))


def test_operators_of_others(write):
    def foreign(model):
        model.graph.node[5].domain = "com.example"
        model.opset_import.append(helper.make_opsetid("com.example", 1))

    assert "damaged or not" in refusal(edit(write(), foreign))


@pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "absolute"])
def test_weights_in_another_file(write, tmp_path, monkeypatch, place):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for folder in (here, tmp_path):
        (folder / "weights.bin").write_bytes(bytes(784 * 10 * 4))

    def move_out(model):
        weights = next(w for w in model.graph.initializer if w.name == "weights")
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        location = str(here / "weights.bin") if place == "absolute" else place
        weights.external_data.add(key="location", value=location)

    path = write()
    model = onnx.load(path)
    move_out(model)
    path.write_bytes(model.SerializeToString())
    assert "complete in itself" in refusal(path)


def test_nothing_is_printed_and_torch_stays_out(write, tmp_path):
    good, bad = write(), tmp_path / "bad.onnx"
    bad.write_bytes(good.read_bytes()[:-3000])
    code = """
import sys
from inkdigits import InkdigitsError, Reader
Reader(sys.argv[1])
try:
    Reader(sys.argv[2])
except InkdigitsError:
    assert "torch" not in sys.modules and "onnx" not in sys.modules
    sys.exit(7)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, good, bad], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, b"", b"")
