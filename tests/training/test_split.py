"""Which images are learnt from, and which are held out."""

from inkdigits.data import Dataset
from inkdigits.training import split


def test_split_is_disjoint_complete_and_of_the_asked_size(strokes):
    numbered = Dataset(strokes.images, strokes.labels, "s", ids=[str(i) for i in range(400)])
    training, validation = split(numbered, 0.2, seed=3)
    assert len(validation) == 80
    assert sorted([*training.ids, *validation.ids], key=int) == list(numbered.ids)
    assert split(numbered, 0.2, seed=4)[1].ids != validation.ids
