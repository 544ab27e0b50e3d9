import io
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from PIL import Image

from inkdigits.errors import DataError
from inkdigits.evaluation.figures import (
    draw_confusion,
    draw_curves,
    draw_errors,
    draw_recall,
    draw_reliability,
)
from inkdigits.evaluation.metrics import evaluate
from inkdigits.evaluation.style import DARK, LIGHT, new_figure, png, use_nines


def words(axes):
    return [text.get_text() for text in axes.texts]


def luminance(colour):
    """WCAG 2's relative luminance of #rrggbb."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_words_are_legible_on_all_that_they_lie_on(theme):
    for ground in (theme.paper, theme.wash, theme.heat):
        assert contrast(theme.ink, ground) >= 4.5
    for ground in (theme.paper, theme.wash):
        assert contrast(theme.quiet, ground) >= 4.5
    assert contrast(theme.main, theme.paper) >= 4.5


def test_confusion_has_true_labels_on_y_and_predicted_on_x(sample):
    _, labels, probabilities = sample
    (axes,) = draw_confusion(evaluate(labels, probabilities)).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted label", "true label")
    # Four images of 2 were read as 7: column 7 (x), row 2 (y), and not the other way round.
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written[7, 2] == "4"
    assert (2, 7) not in written
    assert written[2, 2] == "26"
    image = axes.images[0].get_array()
    assert image[2, 7] == 4
    assert image.mask[2, 2]
    assert image.mask[7, 2]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # 0 on top, as the matrix is written
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list("0123456789")


def test_errors_come_most_confident_first_and_say_what_happened(sample):
    images, labels, probabilities = sample
    probabilities = probabilities.copy()
    probabilities[22] = 0.001
    probabilities[22, 7] = 0.991
    probabilities[9] = 0.0005
    probabilities[9, 4] = 0.9955
    evaluation = evaluate(labels, probabilities)
    axes = draw_errors(images, labels, probabilities, evaluation, limit=2).axes
    assert [panel.get_title() for panel in axes] == ["9 read as 4", "2 read as 7"]
    assert [words(panel) for panel in axes] == [["99.6\xa0% sure"], ["99.1\xa0% sure"]]
    assert np.array_equal(axes[1].images[0].get_array(), images[22])


def test_curves_show_the_history_as_it_is(history):
    top, bottom = draw_curves(history).axes
    for axes, keys in ((top, ("loss", "val_loss")), (bottom, ("accuracy", "val_accuracy"))):
        for line, key in zip(axes.lines, keys, strict=True):
            assert line.get_xdata().tolist() == [1, 2, 3, 4, 5]
            assert line.get_ydata().tolist() == [entry[key] for entry in history]
    assert words(bottom) == ["training\n96.00\xa0%", "validation\n98.00\xa0%"]


def test_reliability_shows_the_bins(sample):
    _, labels, probabilities = sample
    evaluation = evaluate(labels, probabilities)
    axes = draw_reliability(evaluation).axes[0]
    points = axes.lines[-1]
    assert points.get_xdata().tolist() == [bin_.confidence for bin_ in evaluation.calibration]
    assert points.get_ydata().tolist() == [bin_.accuracy for bin_ in evaluation.calibration]
    assert axes.get_xlim() == axes.get_ylim()


def test_in_a_reliability_diagram_nothing_covers_a_bar_or_another_label():
    sure = np.repeat([0.11, 0.6, 0.9999], 100)
    probabilities = np.repeat((1 - sure[:, None]) / 9, 10, axis=1)
    probabilities[:, 3] = sure
    figure = draw_reliability(evaluate(np.full(300, 3, np.uint8), probabilities.astype(np.float32)))
    axes = figure.axes[0]
    bars = axes.collections[0]
    assert all(text.get_zorder() < bars.get_zorder() for text in axes.texts)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_recall_shows_each_digit_and_those_that_are_missing():
    labels = np.array([0, 0, 0, 0, 7], np.uint8)
    probabilities = np.eye(10, dtype=np.float32)[[0, 0, 0, 1, 7]]
    (axes,) = draw_recall(evaluate(labels, probabilities)).axes
    assert words(axes) == ["75.0\xa0%", *["no images"] * 6, "100.0\xa0%", *["no images"] * 2]


def drawn_from(labels, probabilities, history=()):
    labels, probabilities = np.asarray(labels, np.uint8), np.asarray(probabilities, np.float32)
    evaluation = evaluate(labels, probabilities)
    images = np.zeros((len(labels), 28, 28), np.uint8)
    yield draw_confusion(evaluation)
    yield draw_errors(images, labels, probabilities, evaluation)
    yield draw_reliability(evaluation)
    yield draw_recall(evaluation)
    yield draw_curves(history)


ONE_EPOCH = {"epoch": 1, "loss": 0.1, "accuracy": 1.0, "val_loss": float("nan"), "val_accuracy": 1}


@pytest.mark.parametrize(
    ("labels", "probabilities", "history"),
    [
        ([3], np.eye(10)[[3]], []),
        ([3], np.eye(10)[[5]], [ONE_EPOCH]),
        ([3, 3], np.full((2, 10), 0.1), [ONE_EPOCH, ONE_EPOCH | {"loss": float("inf")}]),
        (range(10), np.eye(10), [dict.fromkeys(ONE_EPOCH, 0.0)]),
        (range(10), np.eye(10), [ONE_EPOCH | {"loss": float("nan")}] * 3),
        (range(10), np.roll(np.eye(10), 1, axis=1), [ONE_EPOCH] * 100),
        ([1] * 20_000, np.eye(10)[[1] * 10_000 + [7] * 10_000], []),
    ],
)
def test_odd_data_still_give_pictures(labels, probabilities, history):
    for figure in drawn_from(labels, probabilities, history):
        with Image.open(io.BytesIO(png(figure))) as picture:
            picture.load()
            assert picture.width >= 300


def test_no_errors_and_no_epochs_are_said_in_words():
    figures = list(drawn_from([3], np.eye(10)[[3]]))
    assert [text.get_text() for text in figures[1].texts] == ["None was read wrongly."]
    assert [text.get_text() for text in figures[4].texts] == ["No epoch was completed."]


def test_history_that_lacks_a_key_is_named(history):
    short = {key: value for key, value in history[2].items() if key != "val_loss"}
    with pytest.raises(DataError, match="an epoch lacks val_loss"):
        draw_curves([*history[:2], short])


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.85, 0.85), (0.9999, 1), (0.123, 0.99995)])
def test_nines_scale_holds_its_data_between_labelled_ticks(low, high):
    axes = new_figure(3).subplots()
    use_nines(axes, "y", low, high)
    first, last = axes.get_ylim()
    assert first <= low
    assert last >= min(high, 0.9999)
    assert 2 <= len(axes.get_yticks()) <= 8
    assert all(first <= tick <= last for tick in axes.get_yticks())


def test_nothing_is_left_behind_and_the_users_settings_change_nothing(sample):
    _, labels, probabilities = sample
    evaluation = evaluate(labels, probabilities)
    before = dict(matplotlib.rcParams)
    plain = png(draw_recall(evaluation))
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9}):
        assert png(draw_recall(evaluation)) == plain


def test_dark_is_drawn_on_dark(sample):
    _, labels, probabilities = sample
    evaluation = evaluate(labels, probabilities)
    for theme in (LIGHT, DARK):
        with Image.open(io.BytesIO(png(draw_confusion(evaluation, theme)))) as picture:
            assert "#{:02x}{:02x}{:02x}".format(*picture.getpixel((0, 0))[:3]) == theme.paper
