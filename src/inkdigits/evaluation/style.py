"""What every figure looks like: two themes, one set of rules, nothing left behind in matplotlib.

Colours are told apart by people who are colour-blind (blue against vermilion, from Okabe and Ito)
and by lightness alone. A figure carries no frame, no legend and no grid that its reader could do
without. It is drawn about as wide as a column of text, so that its words stay legible on a phone.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

WIDTH = 6.4  # inches
DPI = 200
NINES = 4  # shares are told apart up to 0.9999
_TICKS = [
    0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99,
    0.995, 0.998, 0.999, 0.9995, 0.9999,
]  # fmt: skip
_FEWER_TICKS = [0, 0.7, 0.9, 0.99, 0.999, 0.9999]


@dataclass(frozen=True)
class Theme:
    """The colours of a figure: ``ink`` is legible on ``paper``, ``wash`` and ``heat`` alike."""

    paper: str
    ink: str
    quiet: str
    faint: str
    wash: str
    main: str
    heat: str


LIGHT = Theme("#ffffff", "#1c2024", "#5f6670", "#d5d9df", "#f2f4f6", "#0072b2", "#f09a55")
DARK = Theme("#15181c", "#e8eaed", "#a0a7b1", "#3d444d", "#22272d", "#56b4e9", "#a34f0c")


@contextmanager
def drawing(theme: Theme) -> Iterator[None]:
    """Draw inside with our settings on matplotlib's defaults, whatever the user's own are."""
    settings = {
        "font.family": "DejaVu Sans",
        "font.size": 11.5,
        "text.color": theme.ink,
        "axes.edgecolor": theme.faint,
        "axes.facecolor": theme.paper,
        "axes.labelcolor": theme.quiet,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": theme.ink,
        "axes.titlelocation": "left",
        "axes.titlesize": 12.5,
        "axes.titleweight": "bold",
        "figure.dpi": DPI,
        "figure.facecolor": theme.paper,
        "lines.solid_capstyle": "round",
        "savefig.dpi": DPI,
        "savefig.facecolor": theme.paper,
        "xtick.color": theme.faint,
        "xtick.labelcolor": theme.quiet,
        "ytick.color": theme.faint,
        "ytick.labelcolor": theme.quiet,
    }
    with style.context(settings, after_reset=True):
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Make an empty figure, ``height`` by ``width`` inches; call it within ``drawing``."""
    layout = ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.08, hspace=0.03)
    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """Encode a figure as PNG: same figure, same bytes (no date, no version in it)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def both_themes(draw: Callable[[Theme], Figure]) -> tuple[bytes, bytes]:
    """Draw twice and return the PNG for light and the PNG for dark surroundings."""
    return png(draw(LIGHT)), png(draw(DARK))


def note(figure: Figure, words: str, theme: Theme) -> Figure:
    """Put ``words`` where there is nothing to draw."""
    figure.text(0.5, 0.5, words, ha="center", va="center", color=theme.quiet, wrap=True)
    return figure


def use_nines(axes: Axes, which: str, low: float, high: float) -> None:
    """Scale the "x" or "y" axis of shares so that 90, 99 and 99.9 % stand equally far apart.

    On it half as many mistakes is the same step anywhere; near 0 it is almost linear. It runs from
    the tick below ``low`` to the tick above ``high``, both 0–1; shares above 99.99 % stand there.
    """
    axis: Axis = getattr(axes, f"{which}axis")
    first = int(np.searchsorted(_TICKS[:-1], low, side="right")) - 1
    last = max(int(np.searchsorted(_TICKS[:-1], high)), first + 1)
    getattr(axes, f"set_{which}scale")("function", functions=(_to_nines, _from_nines))
    ticks = _TICKS[first : last + 1]
    if len(ticks) > 8:
        ticks = [tick for tick in _FEWER_TICKS if ticks[0] <= tick <= ticks[-1]]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(_nines_label))
    getattr(axes, f"set_{which}lim")(_TICKS[first], _TICKS[last])


def _to_nines(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.log10(np.maximum(1 - np.asarray(share), 10.0**-NINES)))


def _from_nines(nines: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 - 10.0 ** -np.asarray(nines))


def _nines_label(share: float, _: int) -> str:
    return ("≥ " if share >= 0.9999 else "") + f"{100 * share:.4g}\N{NO-BREAK SPACE}%"
