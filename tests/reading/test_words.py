import numpy as np
import pytest

from inkdigits.reading.grouping import Group, Row
from inkdigits.reading.pieces import Piece
from inkdigits.reading.words import find_letters

HEIGHT = 60
GAP, SPACE = 10, 60


def line(*characters):
    """Make a line; a character is how likely its digit is, a list if it was cut up, None if left
    out, or "space"; return its row, its groups and how likely they are.
    """
    parts, cuts, sure, left = [], [], {}, 0
    for character in characters:
        if character == "space":
            left += SPACE
            continue
        for number, likely in enumerate(character if isinstance(character, list) else [character]):
            if parts:
                cuts.append(0.3 if number else None)
            if likely is not None:
                sure[Group(len(parts), len(parts), 0.0)] = likely
            parts.append(Piece(0, left, np.ones((HEIGHT, 25), np.bool_)))
            left += 25
        left += GAP
    return Row(parts, cuts, HEIGHT), list(sure), sure


def letters(*characters):
    return find_letters(*line(*characters))


def test_a_word_is_told_by_two_fifths_of_its_characters():
    assert letters(1.0, 0.4, 0.8, 1.0, 1.0) == [(n, n) for n in range(5)]
    assert letters(1.0, 0.4, 0.8, 1.0, 1.0, 1.0) == []


def test_one_doubtful_digit_makes_no_word():
    assert letters(0.3) == []
    assert letters(0.3, 1.0) == []


def test_a_number_of_doubtful_digits_is_one():
    assert letters(0.6, 0.8, 0.7) == []


def test_cut_up_letters_are_put_together():
    assert letters([1.0, 1.0], 1.0, [1.0, 1.0], 0.99) == [(0, 1), (2, 2), (3, 4), (5, 5)]


def test_wide_pieces_may_be_digits_that_touch():
    assert letters([1.0, 1.0, 1.0, 1.0], 1.0, [1.0, 1.0, 1.0, 1.0]) == []


def test_what_was_left_out_is_no_digit_unless_it_is_dirt():
    assert letters(1.0, None, None) == [(0, 0), (1, 1), (2, 2)]
    row, groups, sure = line(1.0, None, None)
    for part in (1, 2):
        row.parts[part] = Piece(30, row.parts[part].left, np.ones((10, 10), np.bool_))
    assert find_letters(row, groups, sure) == []


def test_a_number_beside_a_word_is_a_number():
    assert letters(0.4, 0.8, "space", 1.0, 1.0) == [(0, 0), (1, 1)]
    assert letters(1.0, 1.0, "space", 0.4, 0.8) == [(2, 2), (3, 3)]


def test_a_digit_of_two_pieces_is_one_character():
    row, _, _ = line(1.0, 1.0, 0.4, 0.8)
    both = Group(0, 1, 0.0)
    sure = {both: 1.0, Group(2, 2, 0.0): 0.4, Group(3, 3, 0.0): 0.8}
    assert find_letters(row, list(sure), sure) == [(0, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("characters", [[], ["space"]])
def test_a_line_of_nothing(characters):
    assert letters(*characters) == []
