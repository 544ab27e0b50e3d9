"""The figures of a report: the original's 9, 10 and 11, and two on trust and on single digits.

Each function draws from arrays and returns a matplotlib Figure without touching pyplot or any
global setting; ``inkdigits.evaluation.style.png`` turns it into bytes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullLocator,
    StrMethodFormatter,
)
from numpy.typing import NDArray

from inkdigits.data.dataset import CLASSES, Labels
from inkdigits.errors import DataError
from inkdigits.evaluation.metrics import Evaluation, Probabilities, wilson_interval
from inkdigits.evaluation.style import LIGHT, WIDTH, Theme, drawing, new_figure, note, use_nines
from inkdigits.evaluation.wording import NO_BREAK, percent
from inkdigits.images import Images


def draw_curves(history: Sequence[Mapping[str, Any]], theme: Theme = LIGHT) -> Figure:
    """Figure 9: loss and accuracy of both sets by epoch, one point for each entry of ``history``.

    Both scales are logarithmic, accuracy's in its distance from 100 %, so that late progress
    shows. Raises DataError where an entry lacks epoch, loss, accuracy, val_loss or val_accuracy.
    """
    keys = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    missing = [key for key in keys if any(key not in entry for entry in history)]
    if missing:
        raise DataError(f"an epoch lacks {missing[0]}; each needs {', '.join(keys)}", "history")
    epoch, loss, accuracy, val_loss, val_accuracy = (
        np.array([entry[key] for entry in history], float) for key in keys
    )
    # A loss of 0 has no logarithm; it is drawn at a millionth.
    loss, val_loss = np.maximum(loss, 1e-6), np.maximum(val_loss, 1e-6)
    with drawing(theme):
        figure = new_figure(5.6)
        shares = np.concatenate([accuracy, val_accuracy])
        if not np.isfinite(shares).any():
            return note(figure, "No epoch was completed.", theme)
        top, bottom = figure.subplots(2, 1, sharex=True)
        _pair_of_lines(top, epoch, loss, val_loss, theme)
        top.set_title("Loss")
        top.set_yscale("log")
        top.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        top.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        top.yaxis.set_minor_locator(NullLocator())
        _pair_of_lines(bottom, epoch, accuracy, val_accuracy, theme)
        bottom.set_title("Accuracy")
        use_nines(bottom, "y", float(np.nanmin(shares)), float(np.nanmax(shares)))
        bottom.set_xlabel("epoch")
        bottom.xaxis.set_major_locator(MaxNLocator(10, integer=True, steps=[1, 2, 5, 10]))
        if len(epoch) == 1:
            bottom.set_xticks(epoch)
        _name_lines(top, (loss, val_loss), "{:.3g}".format, theme)
        _name_lines(bottom, (accuracy, val_accuracy), percent, theme)
    return figure


def draw_confusion(evaluation: Evaluation, theme: Theme = LIGHT) -> Figure:
    """Figure 10: the confusion matrix, true labels down the y axis, predicted along the x axis.

    Colour shows the mistakes alone, or the diagonal, a thousand times greater, would drown them.
    The original's figure 10 plots the transposed matrix under these axis labels.
    """
    confusion = evaluation.confusion
    mistakes = np.ma.masked_equal(confusion, 0)
    mistakes[np.diag_indices(CLASSES)] = np.ma.masked
    with drawing(theme):
        figure = new_figure(6.4)
        axes = figure.subplots()
        ramp = LinearSegmentedColormap.from_list("mistakes", [theme.paper, theme.heat])
        # The square root lifts single mistakes off the paper.
        axes.imshow(mistakes, cmap=ramp, norm=PowerNorm(0.5, 0, max(mistakes.filled(0).max(), 4)))
        for (true, predicted), count in np.ndenumerate(confusion):
            if true == predicted:
                corner = (predicted - 0.5, true - 0.5)
                axes.add_patch(Rectangle(corner, 1, 1, facecolor=theme.wash, edgecolor="none"))
            if count or true == predicted:
                axes.text(
                    predicted, true, f"{count}", ha="center", va="center",
                    color=theme.quiet if true == predicted else theme.ink,
                    fontsize=11 if confusion.max() < 10_000 else 8,
                )  # fmt: skip
        edges = np.arange(CLASSES + 1) - 0.5
        axes.hlines(edges, -0.5, CLASSES - 0.5, colors=theme.faint, linewidth=0.5)
        axes.vlines(edges, -0.5, CLASSES - 0.5, colors=theme.faint, linewidth=0.5)
        axes.set_xticks(range(CLASSES))
        axes.set_yticks(range(CLASSES))
        axes.tick_params(length=0, labelsize=12.5, labelcolor=theme.ink)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("predicted label")
        axes.set_ylabel("true label")
    return figure


def draw_errors(
    images: Images,
    labels: Labels,
    probabilities: Probabilities,
    evaluation: Evaluation,
    theme: Theme = LIGHT,
    limit: int = 9,
) -> Figure:
    """Figure 11: up to ``limit`` images read wrongly, the most confident first, ink on paper."""
    places = evaluation.errors[:limit]
    columns = min(3, max(1, len(places)))
    rows = math.ceil(len(places) / columns)
    with drawing(theme):
        if not len(places):
            return note(new_figure(1.2), "None was read wrongly.", theme)
        figure = new_figure(2.65 * rows, WIDTH * columns / 3)
        ink = LinearSegmentedColormap.from_list("ink", [theme.wash, theme.ink])
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, place in zip(grid.flat, places, strict=False):
            predicted = int(probabilities[place].argmax())
            axes.imshow(images[place], cmap=ink, vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(f"{labels[place]} read as {predicted}", loc="center")
            sure = percent(float(probabilities[place, predicted]), 1)
            axes.text(
                0.5, -0.04, f"{sure} sure", transform=axes.transAxes, ha="center", va="top",
                color=theme.quiet,
            )  # fmt: skip
    return figure


def draw_reliability(evaluation: Evaluation, theme: Theme = LIGHT) -> Figure:
    """Reliability diagram: how sure the reader was against how often it was right.

    A point is a bin of equally many readings, its bar the 95 % Wilson interval. On the diagonal the
    probabilities keep their word; below it the reader is too sure.
    """
    bins = evaluation.calibration
    sure = np.array([bin_.confidence for bin_ in bins])
    right = np.array([bin_.accuracy for bin_ in bins])
    bars = np.array([wilson_interval(round(b.accuracy * b.count), b.count) for b in bins])
    with drawing(theme):
        figure = new_figure(5.6)
        axes = figure.subplots()
        low, high = float(min(sure.min(), bars.min())), float(max(sure.max(), right.max()))
        use_nines(axes, "x", low, high)
        use_nines(axes, "y", low, high)
        diagonal = np.linspace(*axes.get_xlim(), 200)
        axes.plot(diagonal, diagonal, color=theme.faint, linewidth=1.2, zorder=1)
        axes.vlines(
            sure,
            bars[:, 0],
            bars[:, 1],
            colors=theme.main,
            linewidth=1.5,
            alpha=0.45,
            clip_on=False,
        )
        axes.plot(
            sure, right, "o", color=theme.main, markersize=6, clip_on=False,
            markeredgecolor=theme.paper, zorder=3,
        )  # fmt: skip
        axes.set_xlabel("how sure it was")
        axes.set_ylabel("how often it was right")
        places = (
            (0.03, 0.97, "top", "right more often\nthan it says"),
            (0.5, 0.03, "bottom", "too sure"),
        )
        for x, y, side, words in places:
            axes.text(
                x, y, words, transform=axes.transAxes, color=theme.quiet, style="italic", va=side,
                zorder=1.5,  # its box covers the diagonal, and no bar
                bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 2},
            )  # fmt: skip
    return figure


def draw_recall(evaluation: Evaluation, theme: Theme = LIGHT) -> Figure:
    """Recall of each digit with its 95 % interval, and, as a line, the accuracy over all.

    Dots on a scale that begins where the data do: bars from zero would all look alike.
    """
    with drawing(theme):
        figure = new_figure(4.5)
        axes = figure.subplots()
        axes.axvline(evaluation.accuracy, color=theme.faint, linewidth=1.2, zorder=1)
        for score in evaluation.per_class:
            words, colour = "no images", theme.quiet
            if score.recall is not None and score.recall_interval is not None:
                words, colour = percent(score.recall, 1), theme.ink
                low, high = score.recall_interval
                axes.hlines(score.label, low, high, colors=theme.main, linewidth=4, alpha=0.35)
                axes.plot(
                    score.recall, score.label, "o", color=theme.main, markersize=7, clip_on=False
                )
            axes.text(
                1.02, score.label, words, color=colour, va="center",
                transform=axes.get_yaxis_transform(),
            )  # fmt: skip
        axes.set_xlim(*np.clip(axes.get_xlim(), 0, 1))
        axes.set_ylim(CLASSES - 0.4, -0.6)
        axes.set_yticks(range(CLASSES))
        axes.tick_params(axis="y", length=0, pad=10, labelsize=12.5, labelcolor=theme.ink)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda share, _: f"{100 * share:.4g}{NO_BREAK}%")
        )
        axes.set_xlabel("recall: share of each digit's images that were read rightly")
    return figure


def _pair_of_lines(
    axes: Axes, epoch: NDArray[Any], training: NDArray[Any], validation: NDArray[Any], theme: Theme
) -> None:
    style: dict[str, Any] = {"marker": "o" if len(epoch) <= 30 else "", "clip_on": False}
    axes.plot(epoch, training, markersize=3.5, color=theme.quiet, linewidth=1.3, **style)
    axes.plot(epoch, validation, markersize=4.5, color=theme.main, linewidth=2, **style)


def _name_lines(
    axes: Axes,
    lines: tuple[NDArray[Any], NDArray[Any]],
    write: Callable[[float], str],
    theme: Theme,
) -> None:
    """Write name and last value beside the end of both lines, apart from each other."""
    ends = [float(line[-1]) for line in lines]
    heights = axes.transAxes.inverted().transform(axes.transData.transform([(0, y) for y in ends]))
    places = np.where(np.isfinite(heights[:, 1]), heights[:, 1], 0.5)
    middle, upper = np.clip(places.mean(), 0.2, 0.8), int(places[1] > places[0])
    if abs(places[1] - places[0]) < 0.28:
        places[upper], places[1 - upper] = middle + 0.14, middle - 0.14
    names, colours = ("training", "validation"), (theme.quiet, theme.main)
    for place, end, name, colour in zip(places, ends, names, colours, strict=True):
        axes.text(
            1.03, place, f"{name}\n{write(end)}", transform=axes.transAxes, va="center",
            color=colour, linespacing=1.3,
        )  # fmt: skip
