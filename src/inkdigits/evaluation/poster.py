"""An explanation on one sheet, for the wall: from the image at the top to the answer below."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inkdigits.anatomy import Anatomy, Stage
from inkdigits.evaluation.feature_maps import (
    drawn_stages,
    is_flat,
    mosaic_height,
    place,
    sheet,
    show_answer,
    show_ink,
    show_origin,
    show_stage,
)
from inkdigits.evaluation.mosaic import COLUMNS
from inkdigits.evaluation.style import LIGHT, Theme, drawing

_WIDTH, _EDGE = 10.0, 0.35  # inches
_TEXT, _LINE = 2.75, 0.168  # the column of words, and a line in it
_MAPS = _WIDTH - 2 * _EDGE - _TEXT
_HEAD, _FOOT = 2.55, 3.05

KEY = (
    "Wherever a square of F×F slides over a map of N×N,\n"
    "with P rows of zeros around it and in steps of S, it finds"
)
FORMULA = "(N + 2P − F) / S + 1"


def draw_poster(anatomy: Anatomy, lead: str, theme: Theme = LIGHT) -> Figure:
    """Draw the image, what each stage makes of it, the answer, and its origin.

    ``lead`` is the sentence at the top that tells the answer.
    """
    stages = drawn_stages(anatomy)
    first = anatomy.filtering
    heights = [
        max(
            mosaic_height(stage, _MAPS, COLUMNS, paired=stage is first),
            _LINE * (len(_arithmetic(stage)) + 3.3 + bool(between)),
        )
        + 0.2
        for stage, between in stages
    ]
    with drawing(theme):
        figure = sheet(_WIDTH, _HEAD + sum(heights) + _FOOT)
        _show_head(figure, anatomy, lead, theme)
        top = _HEAD
        for (stage, between), height in zip(stages, heights, strict=True):
            words = place(figure, _EDGE, top, _TEXT, height)
            _write_stage(words, height, stage, between, theme, stage is first)
            filters = anatomy.filters if stage is first else None
            tall = mosaic_height(stage, _MAPS, COLUMNS, paired=filters is not None)
            maps = place(figure, _EDGE + _TEXT, top, _MAPS, tall)
            show_stage(maps, stage, theme, COLUMNS, filters)
            top += height
        show_answer(place(figure, _EDGE + 0.25, top + 0.4, 3.3, 2.4), anatomy, theme, 8.5)
        side = (_WIDTH - _EDGE - 4.3) / 3.17
        show_origin(figure, anatomy, theme, 4.3, top + 0.4, side)
    return figure


def _show_head(figure: Figure, anatomy: Anatomy, lead: str, theme: Theme) -> None:
    show_ink(place(figure, _EDGE, _EDGE, 1.8, 1.8), anatomy.image, theme)
    axes = place(figure, _EDGE + 2.1, _EDGE, _WIDTH - 2 * _EDGE - 2.1, 1.8)
    axes.set_xlim(0, 7.2)
    axes.set_ylim(1.8, 0)
    axes.text(0, 0.17, f"How {anatomy.model} reads this image", fontsize=12, color=theme.quiet)
    axes.text(0, 0.62, lead, fontsize=20, weight="bold")
    axes.text(0, 1.02, KEY, fontsize=9.5, color=theme.quiet, va="top", linespacing=1.5)
    axes.text(0, 1.7, FORMULA, fontsize=14, weight="bold")
    axes.text(2.45, 1.7, "places along a side, rounded down.", fontsize=9.5, color=theme.quiet)
    colours = "Blue: above 0\nOrange: below 0"
    axes.text(
        7.2, 1.02, colours, fontsize=9.5, color=theme.quiet, va="top", ha="right", linespacing=1.5
    )


def _write_stage(
    axes: Axes, height: float, stage: Stage, between: Sequence[Stage], theme: Theme, first: bool
) -> None:
    axes.set_xlim(0, _TEXT)
    axes.set_ylim(height, 0)
    down = 0.13
    if between:
        axes.text(0, down, _passed(between), fontsize=7.5, color=theme.quiet, style="italic")
        down += _LINE * 1.1
    axes.text(0, down + 0.02, stage.name, fontsize=10.5, weight="bold")
    down += _LINE * 1.15
    after = f", {stage.activation}" if stage.activation else ""
    axes.text(0, down, f"{stage.kind}{after}", fontsize=8.5, color=theme.quiet)
    size = "×".join(f"{side:,}" for side in stage.shape)
    axes.text(0, down + _LINE, f"→ {size}", fontsize=9)
    down += 2 * _LINE
    for line in [*_arithmetic(stage), *["each filter above its map"] * first]:
        axes.text(0, down, line, fontsize=8, color=theme.quiet)
        down += _LINE * 0.95


def _arithmetic(stage: Stage) -> list[str]:
    lines = list(dict.fromkeys(window.arithmetic for window in stage.windows))
    if not lines and is_flat(stage):
        lines = [stage.formula]
    if stage.parameters:
        lines.append(f"{stage.weights} parameters")
    return lines


def _passed(between: Sequence[Stage]) -> str:
    names = [stage.name for stage in between]
    return f"after {names[0]}" + (f" … {names[-1]}" if len(names) > 1 else "")
