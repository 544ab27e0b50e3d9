"""The random streams of a training."""

from hypothesis import given
from hypothesis import strategies as st

from inkdigits.training.streams import Stream, stream

SEEDS = st.integers(0, 2**32 - 1)
OF_A_TRAINING = st.sampled_from([purpose for purpose in Stream if purpose != Stream.EPOCH])
NAMES = st.tuples(SEEDS, OF_A_TRAINING) | st.tuples(SEEDS, st.just(Stream.EPOCH), SEEDS)


@given(NAMES, NAMES)
def test_the_same_name_draws_the_same_and_another_something_else(one, other):
    first = stream(*one).random(4).tolist()
    assert stream(*one).random(4).tolist() == first
    assert (stream(*other).random(4).tolist() == first) == (one == other)
