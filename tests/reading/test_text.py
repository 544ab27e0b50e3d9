import numpy as np

from inkdigits.reading.readings import Digit, Line, Reading
from inkdigits.reading.text import reading_text


def digit(number, reason=None):
    blank = np.zeros((28, 28), np.uint8)
    return Digit(number, 0.9, (0, 0, 10, 20), reason, (0.1,) * 10, blank)


def line(*digits):
    return Line("".join(map(str, digits)), digits)


def test_a_reason_that_comes_again_is_told_once():
    letters = [digit(None, "not a digit: it stands among letters")] * 3
    reading = Reading(None, (line(*letters, digit(4), digit(None, "unsure: 1 or 7")),), None)
    expected = "???4?   (3 times not a digit: it stands among letters; unsure: 1 or 7)"
    assert reading_text(reading, name=False) == expected


def test_what_was_refused_as_a_whole_is_one_line_under_the_name():
    reading = Reading("a.png", (line(digit(None, "unsure: 1 or 7")),), "unsure: 1 or 7")
    assert reading_text(reading, name=True) == "a.png:\n? (unsure: 1 or 7)"
