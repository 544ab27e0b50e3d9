import numpy as np
import pytest

from inkdigits.anatomy import Stage, Window, covered


def stage(inputs, shape, parameters=0, windows=(), kind="Conv2D"):
    return Stage("layer", kind, inputs, np.zeros(shape, np.float32), parameters, windows, "")


@pytest.mark.parametrize(
    ("window", "places", "arithmetic"),
    [
        (Window(28, 3, 1, 1), 28, "(28 + 2·1 − 3)/1 + 1 = 28"),
        (Window(32, 5, 0, 1), 28, "(32 + 2·0 − 5)/1 + 1 = 28"),
        (Window(28, 2, 0, 2), 14, "(28 + 2·0 − 2)/2 + 1 = 14"),
        (Window(7, 2, 0, 2), 3, "(7 + 2·0 − 2)/2 + 1 = 3.5 → 3"),
        (Window(224, 7, 3, 2), 112, "(224 + 2·3 − 7)/2 + 1 = 112.5 → 112"),
        (Window(28, 3, 0, 2, "window", True), 14, "(28 + 2·0 − 3)/2 + 1 = 13.5 → 14"),
        (Window(14, 5, 0, 3), 4, "(14 + 2·0 − 5)/3 + 1 = 4"),
    ],
)
def test_window_fills_in_the_formula(window, places, arithmetic):
    assert window.places == places
    assert window.arithmetic == arithmetic


def test_window_says_what_its_numbers_are_and_how_it_rounds():
    whole = Window(28, 2, 0, 2, "window").formula
    assert whole == "28×28, window 2, padding 0, stride 2: (28 + 2·0 − 2)/2 + 1 = 14"
    assert Window(7, 3, 0, 3).formula.endswith("/3 + 1 = 2.333, rounded down to 2")
    assert Window(7, 3, 0, 3, round_up=True).formula.endswith("/3 + 1 = 2.333, rounded up to 3")


def test_formulas_of_stages_without_a_window():
    assert stage((7, 7, 64), (3136,)).formula == "7·7·64 = 3,136"
    assert stage((3136,), (512,)).formula == "3,136 in, 512 out"
    assert stage((14, 14, 8), (14, 14, 8)).formula == "14×14×8 stays as it is"


def test_a_block_names_each_window_once():
    same = Window(14, 3, 1, 1)
    block = stage((14, 14, 8), (14, 14, 8), 1184, (same, same, Window(14, 1, 0, 1)))
    assert block.formula.count("filter 3") == 1
    assert block.formula.count("filter 1") == 1
    assert block.weights == "1,184"


@pytest.mark.parametrize(
    ("made", "weights"),
    [
        (stage((28, 28, 1), (28, 28, 32), 320, (Window(28, 3, 1, 1),)), "32·(3·3·1 + 1) = 320"),
        (stage((28, 28, 1), (28, 28, 8), 392, (Window(28, 7, 3, 1),)), "8·7·7·1 = 392"),
        (stage((3136,), (512,), 1606144), "512·(3,136 + 1) = 1,606,144"),
        (stage((28, 28, 8), (28, 28, 8), 16), "2·8 = 16"),
        (stage((14, 14, 6), (10, 10, 16), 1516, (Window(14, 5, 0, 1),)), "1,516"),
    ],
)
def test_parameters_are_counted_in_the_open(made, weights):
    assert made.weights == weights


def test_covered_hides_a_square_and_leaves_the_image():
    image = np.full((28, 28), 9, np.uint8)
    assert (covered(image, 10, 12, 5) == 0).sum() == 25
    assert (covered(image, 10, 12, 5)[8:13, 10:15] == 0).all()
    assert (covered(image, 0, 27, 5) == 0).sum() == 9
    assert (image == 9).all()
