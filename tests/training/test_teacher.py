"""Learning from a reader."""

import numpy as np
import pytest
import torch

from inkdigits.errors import DataError, Interrupted
from inkdigits.reading import Reader
from inkdigits.training import resume, train
from inkdigits.training.loop import find_targets
from inkdigits.training.teacher import Teacher

SMALL = {"epochs": 2, "precision": "float32", "show": False}


@pytest.fixture(scope="module")
def alone(strokes, tmp_path_factory):
    return train(strokes, "lenet5", folder=tmp_path_factory.mktemp("runs") / "alone", **SMALL)


def test_half_of_what_is_learnt_is_taught():
    taught = torch.full((2, 10), 0.05)
    taught[:, 3] = 0.55
    targets = find_targets(torch.tensor([3]), 2, taught).numpy()
    expected = np.full((2, 10), 0.025)
    expected[0, 3] = 0.775
    expected[1] = (0.1 + 0.05) / 2
    expected[1, 3] = (0.1 + 0.55) / 2
    np.testing.assert_allclose(targets, expected, rtol=1e-6)


def test_a_label_counts_alone_where_the_teacher_is_mistaken():
    taught = torch.full((3, 10), 0.05)
    taught[:, 3] = 0.55
    targets = find_targets(torch.tensor([7, 3]), 3, taught).numpy()
    np.testing.assert_allclose(targets[0], np.eye(10)[7])
    np.testing.assert_allclose(targets[1, 3], 0.775, rtol=1e-6)
    np.testing.assert_allclose(targets[2, 3], 0.325, rtol=1e-6)


def test_teaches_what_the_reader_says(alone, strokes):
    images = torch.from_numpy(strokes.images[:5]).float()
    taught = Teacher(alone.folder)(images + 0.3)
    np.testing.assert_array_equal(taught, Reader(alone.reader).predict_proba(strokes.images[:5]))


def test_a_taught_network_is_another_and_tells_its_teacher(alone, strokes, tmp_path):
    taught = train(strokes, "lenet5", folder=tmp_path / "run", teacher=alone.reader, **SMALL)
    assert taught.reader.read_bytes() != alone.reader.read_bytes()
    assert Reader(taught.reader).provenance["teacher"] == Teacher(alone.reader).sha256
    again = train(strokes, "lenet5", folder=tmp_path / "again", teacher=alone.folder, **SMALL)
    assert again.reader.read_bytes() == taught.reader.read_bytes()


def test_goes_on_with_the_same_teacher_alone(alone, strokes, tmp_path, monkeypatch):
    teacher = tmp_path / "teacher.onnx"
    teacher.write_bytes(alone.reader.read_bytes())

    def fit(*_, **__):
        raise Interrupted("at once")

    with monkeypatch.context() as patch:
        patch.setattr("inkdigits.training.job.fit", fit)
        with pytest.raises(Interrupted):
            train(strokes, "lenet5", folder=tmp_path / "run", teacher=teacher, **SMALL)
    teacher.write_bytes(Reader().path.read_bytes())
    with pytest.raises(DataError, match="bring it back"):
        resume(tmp_path / "run", data=strokes, show=False)
    teacher.write_bytes(alone.reader.read_bytes())
    assert resume(tmp_path / "run", data=strokes, show=False).result


def test_no_reader_teaches_nothing(strokes, tmp_path):
    with pytest.raises(DataError):
        train(strokes, folder=tmp_path / "run", teacher=tmp_path / "none.onnx", **SMALL)
    assert not (tmp_path / "run").exists()
