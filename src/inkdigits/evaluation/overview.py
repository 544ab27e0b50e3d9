"""What is in a data set: the original report's table 1, figures 1 and 8, and what to doubt."""

from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from inkdigits.data.dataset import CLASSES, Dataset
from inkdigits.evaluation.data_figures import draw_examples, draw_label_counts, example_places
from inkdigits.evaluation.doubts import SHOWN, Doubt, find_doubts, repeated
from inkdigits.evaluation.folder import write_folder
from inkdigits.evaluation.page import Html, Section, page, paragraph, picture, table
from inkdigits.evaluation.style import both_themes
from inkdigits.evaluation.wording import listing, percent, plural
from inkdigits.images import Images

FILES = ("label_counts.png", "examples.png", "index.html")
_ENDS = 5  # rows of table 1 at either end
_PIXELS = 8  # of 784 columns
_BAR = 40  # characters
_MIDDLE = slice(2, 26)  # ink lies within; it lets three examples stand in 80 characters
_EXAMPLES = (
    "Spread evenly over the set, and drawn as ink on paper: in the data ink is white on black."
)
_DRAWN = 80  # from this grey on, a pixel is drawn in the terminal


def overview(dataset: Dataset) -> dict[str, Any]:
    """Return, as JSON takes it: source, n, test, labels, pixel_mean, duplicates and doubts.

    ``test`` is the number of test images or null; ``labels`` the ten counts or null; ``duplicates``
    counts images equal to an earlier one; places of doubtful images are counted from 0.
    """
    return {
        "source": dataset.source,
        "n": len(dataset),
        "test": None if dataset.test is None else len(dataset.test),
        "labels": _counts(dataset),
        "pixel_mean": round(float(dataset.images.mean()), 3),
        "duplicates": len(repeated(dataset.images)),
        "doubts": [
            {
                "kind": doubt.kind,
                "what": doubt.what,
                "count": len(doubt.places),
                "places": doubt.places.tolist(),
            }
            for doubt in find_doubts(dataset)
        ],
    }


def overview_text(dataset: Dataset) -> str:
    """Return table 1, figures 1 and 8 and the doubts for a terminal of 80 characters."""
    parts = [
        f"{dataset.source}: {_lead(dataset)}",
        _table_text(dataset),
        _counts_text(dataset),
        _examples_text(dataset),
        "\n".join(fill(f"doubt: {line}", 80) for line in _doubt_lines(dataset)) or "no doubts",
    ]
    return "\n\n".join(filter(None, parts))


def write_overview(dataset: Dataset, folder: Path) -> Path:
    """Write ``folder``/index.html with label_counts.png and examples.png; return the page's path.

    Raises InkdigitsError where the folder cannot be written.
    """
    counts = both_themes(lambda theme: draw_label_counts(dataset, theme))
    examples = both_themes(lambda theme: draw_examples(dataset, theme))
    sections: list[Section] = [
        ("Images per label", _counts_section(dataset, counts)),
        ("Examples", [picture(*examples, _examples_alt(dataset), _EXAMPLES)]),
        ("First and last rows", [table(_shape(dataset), *_table(dataset))]),
        ("Doubts", [paragraph(f"{line}.") for line in _doubt_lines(dataset) or ["There are none"]]),
    ]
    html = page(f"Data: {dataset.source}", f"{_lead(dataset)}.", sections)
    files = {"label_counts.png": counts[0], "examples.png": examples[0]}
    files["index.html"] = html.encode(errors="replace")
    write_folder(folder, files, FILES)
    return folder / "index.html"


def _lead(dataset: Dataset) -> str:
    words = f"{plural(len(dataset), 'image')} of 28×28"
    words += " without labels" if dataset.labels is None else ""
    return words if dataset.test is None else f"{words}, and {len(dataset.test):,} to test on"


def _counts(dataset: Dataset) -> list[int] | None:
    if dataset.labels is None:
        return None
    return [int(count) for count in np.bincount(dataset.labels, minlength=CLASSES)]


def _table(dataset: Dataset) -> tuple[list[str], list[list[str]]]:
    """Lay out table 1: the head, and the first and last rows with ``…`` between."""
    n = len(dataset)
    labelled = dataset.labels is not None
    head = ["", *(["label"] if labelled else []), *(f"pixel{i}" for i in range(_PIXELS)), "…"]
    places = range(n) if n <= 2 * _ENDS else [*range(_ENDS), *range(n - _ENDS, n)]
    pixels = dataset.images.reshape(n, -1)[:, :_PIXELS]
    rows = [
        [
            str(place),
            *([] if dataset.labels is None else [str(dataset.labels[place])]),
            *map(str, pixels[place]),
            "…",
        ]
        for place in places
    ]
    if n > 2 * _ENDS:
        rows.insert(_ENDS, ["…"] * len(head))
    return head, rows


def _shape(dataset: Dataset) -> str:
    columns = dataset.images[0].size + (dataset.labels is not None)
    return f"{plural(len(dataset), 'row')} × {columns} columns"


def _table_text(dataset: Dataset) -> str:
    head, rows = _table(dataset)
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in [head, *rows]
    ]
    return "\n".join([*lines, _shape(dataset)])


def _counts_text(dataset: Dataset) -> str:
    counts = _counts(dataset)
    if counts is None:
        return ""
    most = max(counts)
    return "\n".join(
        f"{label} {_bar(count / most):{_BAR}} {count:>6,} ({percent(count / len(dataset), 1)})"
        for label, count in enumerate(counts)
    )


def _bar(share: float) -> str:
    """Draw up to 40 characters, to an eighth of one."""
    whole, eighths = divmod(round(share * _BAR * 8), 8)
    return "█" * whole + (" ▏▎▍▌▋▊▉"[eighths] if eighths else "")


def _examples_text(dataset: Dataset) -> str:
    blocks = []
    places = example_places(len(dataset))
    for start in range(0, len(places), 3):
        drawn = [_half_blocks(dataset.images[place]) for place in places[start : start + 3]]
        if dataset.labels is not None:
            for place, lines in zip(places[start : start + 3], drawn, strict=True):
                lines.insert(0, str(dataset.labels[place]).ljust(len(lines[0])))
        blocks.append("\n".join("  ".join(row).rstrip() for row in zip(*drawn, strict=True)))
    return "\n".join(blocks)


def _half_blocks(image: Images) -> list[str]:
    """Draw the middle 24×24 pixels, two above each other to a character."""
    ink = image[_MIDDLE, _MIDDLE] >= _DRAWN
    return [
        "".join(" ▀▄█"[upper + 2 * lower] for upper, lower in zip(*pair, strict=True))
        for pair in zip(ink[::2].astype(int), ink[1::2].astype(int), strict=True)
    ]


def _doubt_lines(dataset: Dataset) -> list[str]:
    return [_doubt_line(doubt, dataset) for doubt in find_doubts(dataset)]


def _doubt_line(doubt: Doubt, dataset: Dataset) -> str:
    if not len(doubt.places):
        return doubt.what
    names = [dataset.ids[i] if dataset.ids else f"row {i}" for i in doubt.places[:SHOWN]]
    more = ["others"] if len(doubt.places) > SHOWN else []
    return f"{doubt.what} ({listing(names + more)})"


def _counts_section(dataset: Dataset, figure: tuple[bytes, bytes]) -> list[Html]:
    counts = _counts(dataset)
    if counts is None:
        return [paragraph("The images have no labels.")]
    told = listing([f"{count:,} of the {label}" for label, count in enumerate(counts)])
    low, high = min(counts), max(counts)
    words = (
        f"Between {low:,} (the {counts.index(low)}) and {high:,} (the {counts.index(high)}) "
        f"images per label; evenly spread it would be {len(dataset) / CLASSES:,.0f}."
    )
    return [picture(*figure, f"Bars of the images per label: {told}.", words)]


def _examples_alt(dataset: Dataset) -> str:
    if dataset.labels is None:
        return "Images of the set."
    labels = [str(dataset.labels[place]) for place in example_places(len(dataset))]
    return f"Images with the labels {listing(labels)}."
