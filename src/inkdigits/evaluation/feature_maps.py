"""The figures of an explanation: filters and feature maps, the answer, and where it came from.

Blue is above 0, orange below, and 0 has the colour of the paper; all maps of a stage share a scale.
"""

import math
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from inkdigits.anatomy import Anatomy, Floats, Stage
from inkdigits.data.dataset import CLASSES
from inkdigits.evaluation import mosaic
from inkdigits.evaluation.mosaic import CELL, CELLS, COLUMNS, GAP, TILE
from inkdigits.evaluation.style import DPI, LIGHT, WIDTH, Theme, drawing
from inkdigits.evaluation.wording import percent
from inkdigits.images import Images

SHOWN = 16  # maps of a stage
_LABEL = 11  # pixels of a mosaic for the number above a map
_IDLE = ("Dropout", "Flatten")  # they change no number while reading


def drawn_stages(anatomy: Anatomy) -> list[tuple[Stage, list[Stage]]]:
    """Return the stages worth drawing, each with those passed over before it.

    Of maps of one size the first and the last are drawn, and every dense layer but the last, whose
    logits stand beside the answer.
    """
    busy = [stage for stage in anatomy.stages[:-1] if stage.kind not in _IDLE]
    found: list[tuple[Stage, list[Stage]]] = []
    for _, group in groupby(busy, lambda stage: stage.shape[:-1] or stage.name):
        first, *rest = group
        found.append((first, []))
        if rest:
            found.append((rest[-1], rest[:-1]))
    return found


def is_flat(stage: Stage) -> bool:
    """Tell whether a stage's output is numbers without a plane: a dense layer's, or 1×1 maps."""
    return len(stage.shape) == 1 or stage.shape[:2] == (1, 1)


def chosen(stage: Stage, limit: int) -> NDArray[np.intp]:
    """Return the places of the ``limit`` liveliest maps of a stage, in their own order."""
    spread = stage.maps.std(axis=(0, 1))
    return np.sort(np.argsort(-spread, kind="stable")[:limit])


def draw_input(image: Images, theme: Theme = LIGHT) -> Figure:
    """Draw a digit image as the network is given it, ink on paper, each pixel a square."""
    with drawing(theme):
        figure = sheet(WIDTH / 2, WIDTH / 2)
        show_ink(place(figure, 0, 0, WIDTH / 2, WIDTH / 2), image, theme)
    return figure


def draw_stage(stage: Stage, theme: Theme = LIGHT, filters: Floats | None = None) -> Figure:
    """Draw a stage's maps below their ``filters`` (F, F, C), if given; or its numbers in strips."""
    with drawing(theme):
        shown = 0 if is_flat(stage) else min(stage.shape[-1], SHOWN)
        height = mosaic_height(stage, WIDTH, SHOWN, filters is not None)
        figure = sheet(WIDTH, height + 0.4)
        show_stage(place(figure, 0, 0, WIDTH, height), stage, theme, shown, filters)
        _show_scale(place(figure, WIDTH - 2.2, height + 0.09, 2, 0.09), stage.maps, theme)
    return figure


def draw_answer(anatomy: Anatomy, theme: Theme = LIGHT) -> Figure:
    """Draw the probability of each digit as a bar, and beside it the logit it came from."""
    with drawing(theme):
        figure = sheet(WIDTH, 3.7)
        show_answer(place(figure, 0.35, 0.3, WIDTH - 0.4, 3.4), anatomy, theme, 11)
    return figure


def draw_origin(anatomy: Anatomy, theme: Theme = LIGHT) -> Figure:
    """Draw the gradient, the drop under a sliding square, and the image where that drops most."""
    with drawing(theme):
        figure = sheet(WIDTH, 3.0)
        show_origin(figure, anatomy, theme, 0.03, 0.32, 2.0)
    return figure


def mosaic_height(stage: Stage, width: float, limit: int, paired: bool = False) -> float:
    """Return the height of a stage's picture of that ``width``, in the same unit."""
    if is_flat(stage):
        pixels = math.ceil(stage.shape[-1] / CELLS) * (CELL + 3) - 3
    else:
        rows = math.ceil(min(stage.shape[-1], limit) / COLUMNS)
        pixels = rows * (_LABEL + TILE + paired * (TILE + 3) + GAP) - GAP
    return width * pixels / mosaic.WIDTH


def show_stage(
    axes: Axes, stage: Stage, theme: Theme, limit: int, filters: Floats | None = None
) -> None:
    """Show the ``limit`` liveliest maps, each under its number; or all numbers, 64 in a row."""
    if is_flat(stage):
        whole = mosaic.strips(stage.maps.ravel(), theme)
        axes.imshow(whole, interpolation="nearest", aspect="auto")
        return
    places = chosen(stage, limit)
    rows = mosaic.grid(stage.maps[..., places], mosaic.top(stage.maps), theme)
    if filters is not None:
        above = mosaic.grid(filters[..., places], mosaic.top(filters), theme)
        rows = [mosaic.pile([upper, lower], 3) for upper, lower in zip(above, rows, strict=True)]
    rows = [np.vstack([np.zeros((_LABEL, mosaic.WIDTH, 4)), row]) for row in rows]
    whole = mosaic.pile(rows, GAP)
    axes.imshow(whole, interpolation="nearest", aspect="auto")
    step = (len(whole) + GAP) / len(rows)
    for order, number in enumerate(places):
        row, column = divmod(order, COLUMNS)
        x, y = column * (TILE + GAP) - 0.5, row * step + _LABEL - 3
        axes.text(x, y, f"{number}", fontsize=7, color=theme.quiet, va="baseline")


def show_ink(axes: Axes, image: Images, theme: Theme) -> None:
    """Show a digit image as ink on paper."""
    ink = LinearSegmentedColormap.from_list("ink", [theme.wash, theme.ink])
    axes.imshow(image, cmap=ink, vmin=0, vmax=255, interpolation="nearest", aspect="auto")


def show_answer(axes: Axes, anatomy: Anatomy, theme: Theme, size: float) -> None:
    """Show the probabilities as bars with their percentages and, at the right edge, the logits."""
    edge = 1.25
    for digit, share in enumerate(anatomy.probabilities):
        read, inside = digit == anatomy.digit, share > 0.7
        colour = theme.paper if inside else theme.ink if read else theme.quiet
        axes.barh(digit, share, color=theme.main if read else theme.quiet, height=0.62)
        axes.text(
            share + (-0.015 if inside else 0.015), digit, percent(float(share)), va="center",
            ha="right" if inside else "left", color=colour, fontsize=size,
        )  # fmt: skip
        axes.text(
            edge, digit, _minus(f"{anatomy.logits[digit]:.2f}"), va="center", ha="right",
            color=theme.quiet, fontsize=size,
        )  # fmt: skip
    axes.text(0, -0.8, "probability", color=theme.quiet, fontsize=size)
    axes.text(edge, -0.8, "logit", color=theme.quiet, ha="right", fontsize=size)
    axes.set_axis_on()
    axes.set_xlim(0, edge)
    axes.set_ylim(CLASSES - 0.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks(range(CLASSES))
    axes.tick_params(axis="y", length=0, labelsize=1.25 * size, labelcolor=theme.ink)
    axes.spines["bottom"].set_visible(False)


def show_origin(
    figure: Figure, anatomy: Anatomy, theme: Theme, left: float, top: float, side: float
) -> None:
    """Show the three pictures of where an answer came from, each ``side`` inches wide."""
    occlusion, digit = anatomy.occlusion, anatomy.digit
    panels = [place(figure, left + i * 1.085 * side, top, side, side) for i in range(3)]
    for axes, values in zip(panels, (anatomy.gradient, occlusion.drop), strict=False):
        most = mosaic.top(values)
        axes.imshow(values, cmap=mosaic.ramp(theme), vmin=-most, vmax=most, aspect="auto")
        _outline(axes, anatomy.image, theme)
    row, column = occlusion.worst
    corner, width = (column - occlusion.side / 2, row - occlusion.side / 2), occlusion.side
    show_ink(panels[2], occlusion.hide(anatomy.image), theme)
    panels[2].add_patch(
        Rectangle(corner, width, width, fill=False, edgecolor=theme.main, linewidth=1.6)
    )
    read = int(occlusion.probabilities.argmax())
    sure = percent(float(occlusion.probabilities[read]), 1)
    most = 100 * float(occlusion.drop.max())
    words = {
        "Gradient": f"ink here speaks for {digit}\n(blue) or against it",
        "Occlusion": f"hidden here, {digit} loses up\nto {most:.3g} points (blue)",
        "At its worst": f"hidden so, it is read\nas {read}, {sure} sure",
    }
    for axes, (title, below) in zip(panels, words.items(), strict=True):
        axes.set_title(title, fontsize=11.5 * side / 2)
        axes.text(
            0, -0.05, below, transform=axes.transAxes, va="top", color=theme.quiet,
            fontsize=9.4 * side / 2, linespacing=1.4,
        )  # fmt: skip


def sheet(width: float, height: float) -> Figure:
    """Make an empty figure in inches, whole pixels, whose axes are put where ``place`` says."""
    figure = Figure(figsize=(round(width * DPI) / DPI, round(height * DPI) / DPI))
    FigureCanvasAgg(figure)
    return figure


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add bare axes, in inches from the upper left corner."""
    across, down = figure.get_size_inches()
    axes = figure.add_axes(
        (left / across, 1 - (top + height) / down, width / across, height / down)
    )
    axes.set_axis_off()
    return axes


def _show_scale(axes: Axes, maps: Floats, theme: Theme) -> None:
    high = mosaic.top(maps)
    low = -high if (maps < 0).any() else 0.0
    values, extent = np.linspace(low, high, 256)[None], (low, high, 0, 1)
    axes.imshow(
        values, cmap=mosaic.ramp(theme), vmin=-high, vmax=high, aspect="auto", extent=extent
    )
    ticks = sorted({low, 0.0, high})
    axes.set_axis_on()
    axes.set_xticks(ticks, [_minus(f"{tick:.3g}") for tick in ticks])
    axes.set_yticks([])
    axes.tick_params(length=0, pad=3, labelsize=8)
    axes.spines[:].set_visible(False)


def _outline(axes: Axes, image: Images, theme: Theme) -> None:
    """Draw where the ink ends, so that one sees what lies under a map."""
    if image.max() > 127:
        axes.contour(image, levels=[127], colors=theme.ink, linewidths=0.9, alpha=0.75)
    axes.set_axis_on()
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)


def _minus(number: str) -> str:
    return number.replace("-", "−")
