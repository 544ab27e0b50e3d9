"""The original report's figures of a data set: 1, images per label, and 8, nine examples."""

import math

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from inkdigits.data.dataset import CLASSES, Dataset
from inkdigits.evaluation.style import LIGHT, WIDTH, Theme, drawing, new_figure, note

EXAMPLES = 9


def example_places(n: int) -> NDArray[np.intp]:
    """Choose up to nine places spread over ``n`` images, so that sorted sources show all labels."""
    return np.unique(np.linspace(0, n - 1, EXAMPLES).astype(np.intp))


def draw_label_counts(dataset: Dataset, theme: Theme = LIGHT) -> Figure:
    """Figure 1: how many images each label has, as bars with their counts."""
    with drawing(theme):
        if dataset.labels is None:
            return note(new_figure(1.2), "The images have no labels.", theme)
        figure = new_figure(3.9)
        axes = figure.subplots()
        counts = np.bincount(dataset.labels, minlength=CLASSES)
        bars = axes.bar(range(CLASSES), counts, width=0.72, color=theme.main)
        axes.bar_label(
            bars, [f"{count:,}" for count in counts], padding=3, color=theme.ink, fontsize=9.5
        )
        axes.set_xticks(range(CLASSES))
        axes.tick_params(axis="x", length=0, labelcolor=theme.ink, labelsize=12.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("label")
    return figure


def draw_examples(dataset: Dataset, theme: Theme = LIGHT) -> Figure:
    """Figure 8: up to nine images spread over the set, ink on paper, their labels above."""
    places = example_places(len(dataset))
    columns = min(3, len(places))
    rows = math.ceil(len(places) / columns)
    with drawing(theme):
        figure = new_figure(2.3 * rows, WIDTH * columns / 3)
        ink = LinearSegmentedColormap.from_list("ink", [theme.wash, theme.ink])
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, place in zip(grid.flat, places, strict=False):
            axes.imshow(dataset.images[place], cmap=ink, vmin=0, vmax=255, interpolation="nearest")
            if dataset.labels is not None:
                axes.set_title(str(dataset.labels[place]), loc="center")
    return figure
