"""Learning from networks that were trained before."""

import numpy as np
import pytest
import torch

from inkdigits.errors import DataError, Interrupted, UsageError
from inkdigits.models import create
from inkdigits.reading import Reader
from inkdigits.training import resume, train
from inkdigits.training.loop import find_targets
from inkdigits.training.teacher import Teachers, soften

SMALL = {"epochs": 2, "precision": "float32", "show": False}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def alone(strokes, tmp_path_factory):
    return train(strokes, "lenet5", folder=tmp_path_factory.mktemp("runs") / "alone", **SMALL)


@pytest.fixture(scope="module")
def other(strokes, tmp_path_factory):
    """A run of another network, whose result is a mean of its weights."""
    folder = tmp_path_factory.mktemp("runs") / "other"
    return train(strokes, "convnet_tiny", "tiny", folder=folder, **SMALL)


def stopped_at_once(monkeypatch, *given, **options):
    def fit(*_, **__):
        raise Interrupted("at once")

    with monkeypatch.context() as patch:
        patch.setattr("inkdigits.training.job.fit", fit)
        with pytest.raises(Interrupted):
            train(*given, **options)


def test_what_is_taught_takes_the_place_of_labels_but_not_of_outliers():
    taught = torch.full((1, 10), 0.05)
    taught[:, 3] = 0.55
    targets = find_targets(torch.tensor([7]), 2, taught)
    torch.testing.assert_close(targets, torch.cat([taught, torch.full((1, 10), 0.1)]))


def test_softened_probabilities_go_by_their_roots():
    given = torch.tensor([[0.64, 0.16, 0.16, 0.04] + [0.0] * 6])
    expected = torch.tensor([[0.8, 0.4, 0.4, 0.2] + [0.0] * 6]) / 1.8
    torch.testing.assert_close(soften(given), expected, atol=1e-5, rtol=0)


def test_a_loss_at_a_temperature():
    torch.manual_seed(0)
    network = create("lenet5").eval()
    images, targets = torch.rand(4, 28, 28) * 255, torch.rand(4, 10).softmax(1)
    logits = network(images)
    expected = -(targets * (logits / 2).log_softmax(1)).sum(1).mean() * 4
    loss, same = network.loss(images, targets, 2.0)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(same, logits)


def test_teach_the_mean_of_what_the_runs_ended_in(alone, other, strokes):
    images = strokes.images[:50]
    teachers = Teachers([alone.folder, other.folder], CPU)
    logits = [torch.from_numpy(Reader(run.reader).logits(images)) for run in (alone, other)]
    mean = torch.stack([part.softmax(1) for part in logits]).mean(0)
    taught = teachers(torch.from_numpy(images).float())
    torch.testing.assert_close(taught, soften(mean), atol=1e-4, rtol=0)


def test_a_taught_network_is_another_and_tells_its_teachers(alone, other, strokes, tmp_path):
    both = [alone.folder, other.folder]
    taught = train(strokes, "lenet5", folder=tmp_path / "run", teachers=both, **SMALL)
    again = train(strokes, "lenet5", folder=tmp_path / "again", teachers=both, **SMALL)
    assert taught.reader.read_bytes() != alone.reader.read_bytes()
    assert taught.reader.read_bytes() == again.reader.read_bytes()
    hashes = [teacher["sha256"] for teacher in Teachers(both, CPU).identities]
    assert Reader(taught.reader).provenance["teachers"] == hashes
    assert len(set(hashes)) == 2


def test_a_learner_becomes_like_its_teacher(alone, strokes, tmp_path):
    """More so than one that learns from the labels, of which it is told nothing."""
    wrong = strokes.take(np.arange(len(strokes)))
    object.__setattr__(wrong, "labels", (wrong.labels + 1) % 10)
    folder = tmp_path / "run"
    taught = train(wrong, "lenet5", folder=folder, teachers=[alone.folder], **SMALL | {"epochs": 8})
    says, said = (Reader(run.reader).predict(strokes.images) for run in (taught, alone))
    assert (says == said).mean() > 0.8


def test_goes_on_with_the_same_teachers_alone(alone, other, strokes, tmp_path, monkeypatch):
    teacher = tmp_path / "teacher"
    alone.folder.rename(teacher)
    stopped_at_once(
        monkeypatch, strokes, "lenet5", folder=tmp_path / "run", teachers=[teacher], **SMALL
    )
    teacher.rename(alone.folder)
    teacher.symlink_to(other.folder)
    with pytest.raises(DataError, match="bring it back"):
        resume(tmp_path / "run", data=strokes, show=False)
    teacher.unlink()
    teacher.symlink_to(alone.folder)
    assert resume(tmp_path / "run", data=strokes, show=False).result


def test_says_where_the_validation_flatters(alone, strokes, tmp_path):
    for seed, said in ((0, False), (1, True)):
        options = {"folder": tmp_path / f"{seed}", "seed": seed, "teachers": [alone.folder]}
        run = train(strokes, "lenet5", **options, **SMALL | {"epochs": 1})
        assert any("flatters" in line for line in run.manifest["log"]) == said


def test_a_run_that_has_not_ended_teaches_nothing(strokes, tmp_path, monkeypatch):
    stopped_at_once(monkeypatch, strokes, "lenet5", folder=tmp_path / "half", **SMALL)
    with pytest.raises(UsageError, match="has not ended"):
        train(strokes, "lenet5", folder=tmp_path / "run", teachers=[tmp_path / "half"], **SMALL)
    assert not (tmp_path / "run").exists()


def test_what_is_no_run_teaches_nothing(strokes, tmp_path):
    with pytest.raises(DataError, match="no run"):
        train(strokes, folder=tmp_path / "run", teachers=[tmp_path / "none"], **SMALL)
    assert not (tmp_path / "run").exists()
