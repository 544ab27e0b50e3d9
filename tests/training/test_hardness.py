"""Which images an epoch returns to."""

import itertools
import json

import pytest
import torch

from inkdigits.training import loop, train
from inkdigits.training.hardness import Hardness
from inkdigits.training.recipe import FAST

CPU = torch.device("cpu")


def test_the_hardest_are_those_of_the_highest_loss_in_their_batch():
    hardness = Hardness(6, 0.5, CPU)
    hardness.note(torch.tensor([4, 0, 2]), torch.tensor([9.0, 8.0, 7.0]))  # an early batch
    hardness.note(torch.tensor([5, 1, 3]), torch.tensor([0.2, 0.1, 0.3]))
    hardness.end_epoch()
    assert sorted(hardness.hardest().tolist()) == [0, 3, 4]
    assert hardness.ranks[1].tolist() == [0.5, 0, 0, 1, 1, 0.5]


def test_what_is_noted_within_an_epoch_counts_from_the_next():
    hardness = Hardness(4, 0.25, CPU)
    hardness.note(torch.arange(4), torch.tensor([1.0, 4.0, 2.0, 3.0]))
    hardness.end_epoch()
    hardness.note(torch.tensor([1, 2]), torch.tensor([0.0, 1.0]))
    assert hardness.hardest().tolist() == [1]
    hardness.end_epoch()
    assert hardness.hardest().tolist() == [2]


@pytest.fixture
def seen(monkeypatch):
    """The numbers of the images of each step of a training."""
    steps, step = [], loop._step

    def watched(state, loss, batch, *others):
        steps.append(batch.chosen.tolist())
        return step(state, loss, batch, *others)

    monkeypatch.setattr("inkdigits.training.loop._step", watched)
    return steps


def test_a_fast_training_sees_all_images_once_and_then_the_hardest_of_each_batch(
    seen, strokes, tmp_path
):
    run = train(strokes, recipe="fast", epochs=2, folder=tmp_path / "run", show=False)
    first, second = seen[:-1], seen[-1]
    assert FAST.hardest == 0.2
    assert sorted(itertools.chain(*first)) == list(range(320))
    assert len(second) == len(set(second)) == 64
    # A rank in a batch, not over the epoch: a fifth of each batch is returned to.
    assert [len(set(batch) & set(second)) for batch in first] == pytest.approx(
        [len(batch) / 5 for batch in first], abs=1
    )
    last = json.loads((run.folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert 64 * last["accuracy"] == pytest.approx(round(64 * last["accuracy"]))  # of what it saw
