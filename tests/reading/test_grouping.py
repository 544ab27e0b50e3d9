import numpy as np

from inkdigits.reading.grouping import best_groups, possible_groups, take_apart
from inkdigits.reading.pieces import Piece


def bar(left, top, width, height):
    return Piece(top, left, np.ones((height, width), np.bool_))


def chosen(line, likes):
    """Spans of the groups taken; ``likes`` gives the probability of one by its first and last."""
    row = take_apart(line, 60)
    groups = possible_groups(row)
    scores = {n: likes(group.first, group.last) for n, group in enumerate(groups)}
    return [(groups[n].first, groups[n].last) for n in best_groups(row, groups, scores)]


LOOSE_BAR = [bar(0, 10, 30, 50), bar(26, 0, 24, 7), bar(80, 0, 10, 60)]


def test_a_loose_bar_is_joined_where_that_reads_better():
    assert chosen(LOOSE_BAR, lambda a, b: 0.99 if (a, b) != (0, 0) else 0.5) == [(0, 1), (2, 2)]


def test_strokes_almost_touching_are_one_digit_where_that_is_as_sure():
    line = [bar(0, 0, 10, 60), bar(12, 20, 30, 40), bar(80, 0, 10, 60)]
    assert chosen(line, lambda a, b: 0.999 if b < 2 or a == 2 else 0.1) == [(0, 1), (2, 2)]
    assert chosen(line, lambda a, b: 0.999 if a == b else 0.8) == [(0, 0), (1, 1), (2, 2)]


def test_strokes_one_over_the_other_are_one_digit_where_that_is_as_sure():
    digits = [bar(100 + 20 * n, 0, 10, 60) for n in range(3)]

    def first(left):
        line = [bar(0, 0, 40, 42), bar(left, 47, 40, 40), *digits]
        return chosen(line, lambda a, b: 0.999 if b < 2 or a == b else 0.1)[0]

    assert first(20) == (0, 1)
    assert first(40) == (0, 0)


def test_digits_side_by_side_stay_apart():
    line = [bar(0, 0, 10, 60), bar(30, 0, 10, 60), bar(60, 0, 10, 60)]
    assert chosen(line, lambda a, b: 0.95) == [(0, 0), (1, 1), (2, 2)]


def test_a_speck_is_left_out():
    line = [bar(0, 0, 10, 60), bar(40, 50, 8, 8), bar(80, 0, 10, 60)]
    assert chosen(line, lambda a, b: 0.9) == [(0, 0), (2, 2)]


def test_what_is_far_wider_than_high_is_no_digit():
    assert chosen([bar(0, 0, 400, 60)], lambda a, b: 0.9 if b - a > 3 else 1e-6) == []


def test_a_broken_digit_is_as_near_as_its_pieces_are():
    lower = np.zeros((40, 60), np.bool_)
    lower[30:, :25] = lower[:, 30:36] = lower[30:, 20:36] = True  # cut up, its left part is low
    lower[:, 54:] = lower[30:, 36:] = True
    row = take_apart([bar(0, 0, 60, 22), Piece(24, 0, lower)], 60)
    assert len(row.parts) > 2
    (whole,) = [g for g in possible_groups(row) if (g.first, g.last) == (0, len(row.parts) - 1)]
    assert whole.cost < 0.5


def test_a_loop_is_not_cut_where_its_halves_read_as_well():
    y, x = np.mgrid[:60, :74]
    ring = Piece(0, 0, abs(np.hypot((x - 37) * 60 / 74, y - 30) - 26) < 4)
    line = [bar(-40, 0, 10, 60), ring, bar(100, 0, 10, 60)]
    row = take_apart(line, 60)
    assert len(row.parts) > 3
    assert chosen(line, lambda a, b: 0.95) == [
        (0, 0),
        (1, len(row.parts) - 2),
        (len(row.parts) - 1,) * 2,
    ]


def test_touching_digits_are_cut_where_their_whole_is_doubtful():
    touching = np.zeros((60, 60), np.bool_)
    touching[:, :8] = touching[:, 52:] = touching[30:33] = True
    line = [Piece(0, 0, touching)]
    parts = len(take_apart(line, 60).parts)
    assert parts > 1

    def likes(whole):
        return lambda a, b: whole if (a, b) == (0, parts - 1) else 0.97

    assert chosen(line, likes(0.95)) == [(0, parts - 1)]
    assert len(chosen(line, likes(0.5))) == 2


def test_a_letter_is_refused_rather_than_left_out():
    line = [bar(0, 0, 10, 60), bar(60, 0, 30, 60), bar(140, 0, 10, 60)]
    assert chosen(line, lambda a, b: 0.1 if a == 1 else 0.99) == [(0, 0), (1, 1), (2, 2)]
