"""Accuracy of several networks against what they cost: one figure for each kind of cost."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from inkdigits.evaluation.style import DARK, LIGHT, Theme, drawing, new_figure, note, use_nines

Member = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """What a member costs: its key in a member, its name, its axis in words, and that scale."""

    key: str
    name: str
    axis: str
    logarithmic: bool = True


COSTS = (
    Cost("depth", "depth", "depth: layers with weights on the longest way", logarithmic=False),
    Cost("parameters", "parameters", "parameters"),
    Cost("multiply_adds", "multiply-adds", "multiply-adds to read one image"),
    Cost("train_seconds", "training time", "training time of one seed, seconds"),
    Cost("latency_ms", "latency", "time to read one image, milliseconds"),
)

# Okabe and Ito's colours, lighter on dark paper; families differ by the marker's form as well.
_COLOURS = {
    LIGHT: ("#0072b2", "#d55e00", "#008a65", "#b0508a"),
    DARK: ("#56b4e9", "#f0a050", "#35c79c", "#e59cc4"),
}
_MARKERS = "os^D"

# Where a name may stand beside its dot, the best place first: offset in points, alignment.
_PLACES = (
    (7, 0, "left", "center"),
    (-7, 0, "right", "center"),
    (0, 7, "center", "bottom"),
    (0, -7, "center", "top"),
    (6, 8, "left", "bottom"),
    (6, -8, "left", "top"),
    (-6, 8, "right", "bottom"),
    (-6, -8, "right", "top"),
    (0, 17, "center", "bottom"),
    (0, -17, "center", "top"),
    (12, 18, "left", "bottom"),
    (12, -18, "left", "top"),
    (-12, 18, "right", "bottom"),
    (-12, -18, "right", "top"),
    (0, 27, "center", "bottom"),
    (0, -27, "center", "top"),
)


def family(model: str) -> str:
    """Return a model's name without its numbers: ``vgg16_1x1_bn`` is of the family ``vgg_bn``."""
    words = re.sub(r"\d+(x\d+)?", "", model).split("_")
    return "_".join(word for word in words if word)


@dataclass(frozen=True)
class _Dot:
    """A member in the figure: where it stands, and what is drawn there."""

    name: str
    x: float
    mean: float
    spread: float | None
    seeds: list[float]


def draw_accuracy(members: Sequence[Member], cost: Cost, theme: Theme = LIGHT) -> Figure:
    """Draw validation accuracy against a cost: a small dot each seed, a large one their mean.

    The bar is the mean ± the sample standard deviation over seeds. Networks of a
    family share a colour, and in the figure of depth a line. Networks of equal cost stand side by
    side. Members without an accuracy or cost are left out.
    """
    known = [m for m in members if m["mean"] is not None and m[cost.key] is not None]
    with drawing(theme):
        figure = new_figure(6.2)
        if not known:
            return note(figure, "No training was finished.", theme)
        axes = figure.subplots()
        _scale(axes, known, cost)
        families: dict[str, list[_Dot]] = {}
        for dot in _dots(axes, known, cost):
            families.setdefault(family(dot.name), []).append(dot)
        coloured: list[tuple[_Dot, str]] = []
        for number, group in enumerate(sorted(families.values(), key=len, reverse=True)):
            colours = _COLOURS[theme]
            colour = colours[number] if number < len(colours) else theme.quiet
            if cost.key == "depth":
                _join(axes, group, colour)
            _draw_dots(axes, group, colour, _MARKERS[number % len(_MARKERS)], theme)
            coloured += [(dot, colour) for dot in group]
        axes.set_xlabel(cost.axis)
        axes.set_ylabel("validation accuracy")
        _name_dots(figure, axes, coloured, theme)
    return figure


def _dots(axes: Axes, members: Sequence[Member], cost: Cost) -> list[_Dot]:
    """Give each member its place; those of equal cost are spread around it, a little apart."""
    to_axes = axes.transData + axes.transAxes.inverted()
    alike: dict[float, list[Member]] = {}
    for member in members:
        alike.setdefault(float(member[cost.key]), []).append(member)
    dots = []
    for value, group in alike.items():
        middle = to_axes.transform((value, axes.get_ylim()[0]))[0]
        for number, member in enumerate(group):
            place = middle + 0.016 * (number - (len(group) - 1) / 2)
            x = float(to_axes.inverted().transform((place, 0))[0])
            seeds = [accuracy for accuracy in member["accuracies"] if accuracy is not None]
            dots.append(_Dot(member["model"], x, member["mean"], member["spread"], seeds))
    return dots


def _scale(axes: Axes, members: Sequence[Member], cost: Cost) -> None:
    shares = [a for m in members for a in m["accuracies"] if a is not None]
    use_nines(axes, "y", min(shares), max(shares))
    values = np.array([member[cost.key] for member in members], float)
    low, high = float(values.min()), float(values.max())
    if not cost.logarithmic:
        margin = max(0.12 * (high - low), 1)
        axes.set_xlim(low - margin, high + margin)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        return
    low, high = max(low, 1e-3), max(high, 1e-3)
    margin = max((high / low) ** 0.12, 1.25)
    axes.set_xscale("log")
    axes.set_xlim(low / margin, high * margin)
    axes.xaxis.set_major_locator(FixedLocator(_log_ticks(low / margin, high * margin)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers from ``low`` to ``high``, as many within a power of ten as have room."""
    steps = (1, 2, 3, 5, 7) if high < 12 * low else (1, 2, 5) if high < 300 * low else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [
        step * 10.0**power
        for power in powers
        for step in steps
        if low <= step * 10.0**power <= high
    ]


def _join(axes: Axes, group: Sequence[_Dot], colour: str) -> None:
    line = sorted(group, key=lambda dot: dot.x)
    axes.plot(
        [dot.x for dot in line], [dot.mean for dot in line],
        color=colour, linewidth=1.3, alpha=0.5, zorder=1,
    )  # fmt: skip


def _draw_dots(axes: Axes, group: Sequence[_Dot], colour: str, marker: str, theme: Theme) -> None:
    for dot in group:
        if dot.spread is not None:
            ends = (max(dot.mean - dot.spread, 0), min(dot.mean + dot.spread, 1))
            axes.vlines(dot.x, *ends, colors=colour, linewidth=3, alpha=0.3, zorder=2)
        axes.plot(
            [dot.x] * len(dot.seeds), dot.seeds, ".", color=colour, markersize=4, alpha=0.8,
            zorder=3,
        )  # fmt: skip
        axes.plot(
            dot.x, dot.mean, marker, color=colour, markersize=7, markeredgecolor=theme.paper,
            zorder=4,
        )  # fmt: skip


def _name_dots(
    figure: Figure, axes: Axes, coloured: Sequence[tuple[_Dot, str]], theme: Theme
) -> None:
    """Write each name beside its dot, where it covers the fewest dots and names."""
    figure.draw_without_rendering()
    spots = axes.transData.transform([(dot.x, dot.mean) for dot, _ in coloured])
    taken = [Bbox.from_bounds(x - 10, y - 10, 20, 20) for x, y in spots]
    taken += [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in _points_on_lines(axes)]
    room = axes.get_window_extent()
    for index in np.argsort(-spots[:, 1], kind="stable"):
        dot, colour = coloured[index]
        text = axes.annotate(
            dot.name, (dot.x, dot.mean), (0, 0),
            textcoords="offset points", color=colour, fontsize=8.5, zorder=5,
            path_effects=[withStroke(linewidth=2.5, foreground=theme.paper)],
        )  # fmt: skip
        best: tuple[float, tuple[float, float, str, str], Bbox] | None = None
        for place in _PLACES:
            text.set(position=place[:2], horizontalalignment=place[2], verticalalignment=place[3])
            box = text.get_window_extent()
            covered = sum(_overlap(box, other) for n, other in enumerate(taken) if n != index)
            covered += box.width * box.height - _overlap(box, room)
            if best is None or covered < best[0] - 1:
                best = (covered, place, box)
        assert best is not None
        _, (x, y, horizontal, vertical), box = best
        text.set(position=(x, y), horizontalalignment=horizontal, verticalalignment=vertical)
        text.set_in_layout(False)
        taken.append(box)


def _points_on_lines(axes: Axes) -> NDArray[np.float64]:
    """Return points every few pixels along the lines between dots, in pixels (N, 2)."""
    points = [np.empty((0, 2))]
    for line in axes.get_lines():
        corners = axes.transData.transform(line.get_xydata())
        if line.get_linestyle() == "-":
            points += [np.linspace(a, b, 60) for a, b in pairwise(corners)]
    return np.concatenate(points)


def _overlap(one: Bbox, other: Bbox) -> float:
    common = Bbox.intersection(one, other)
    return 0.0 if common is None else float(common.width * common.height)


def _short(value: float) -> str:
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
