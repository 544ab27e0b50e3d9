"""A comparison of networks: its table, and its page with figures, PNGs and comparison.json.

A member is a mapping as ``inkdigits compare --json`` lists it: ``model``, ``accuracies`` (one for
each seed, 0–1), their ``mean`` and ``spread`` (sample standard deviation), ``depth``,
``parameters``, ``multiply_adds``, ``train_seconds``, ``latency_ms``, ``error``. What a failure left
unknown is None.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from inkdigits.evaluation.comparison_figures import COSTS, Cost, Member, draw_accuracy
from inkdigits.evaluation.folder import write_folder
from inkdigits.evaluation.page import (
    Section,
    definitions,
    page,
    paragraph,
    picture,
    table,
)
from inkdigits.evaluation.style import both_themes
from inkdigits.evaluation.wording import NO_BREAK, listing, number, percent, plural

HEAD = (
    "Model",
    "Accuracy",
    "Depth",
    "Parameters",
    "Mult-adds",
    "Training",
    "Latency",
)
CHANCE = 0.2  # below it a network has learnt next to nothing: chance alone gives 10 %
FILES = (*(f"{cost.key}.png" for cost in COSTS), "comparison.json", "index.html")


def write_comparison(folder: Path, settings: Mapping[str, Any], members: Sequence[Member]) -> Path:
    """Write ``folder``/index.html with its figures (PNG) and comparison.json; returns the page.

    ``settings`` tells what all members have in common: ``title``, ``data``, ``images``,
    ``validation_images``, ``recipe``, ``epochs``, ``batch_size``, ``seeds``, ``latency_rounds``.
    Other files of the folder stay. Raises InkdigitsError where the folder cannot be written.
    """
    figures = {cost: both_themes(partial(draw_accuracy, members, cost)) for cost in COSTS}
    sections: list[Section] = [_side_by_side(settings, members)]
    sections += [_figure(cost, figures[cost], members) for cost in COSTS]
    failed = {member["model"]: member["error"] for member in members if member["error"]}
    if failed:
        words = f"Told here as it was told when it happened, for {plural(len(failed), 'network')}."
        sections.append(("What failed", [paragraph(words), definitions(failed)]))
    sections.append(_measuring(settings, members))
    files = {f"{cost.key}.png": light for cost, (light, _) in figures.items()}
    content = {"settings": dict(settings), "members": [dict(member) for member in members]}
    files["comparison.json"] = (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()
    files["index.html"] = page(settings["title"], _lead(settings, members), sections).encode()
    write_folder(folder, files, FILES)
    return folder / "index.html"


def comparison_text(settings: Mapping[str, Any], members: Sequence[Member]) -> str:
    """Return the table for the terminal, and below it what failed."""
    rows = [HEAD, *map(_row, members)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([f"{row[0]:<{widths[0]}}", *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    lines += ["", f"{_measured(settings)}; ± is the sample standard deviation"]
    lines += [f"{m['model']} failed: {m['error']}" for m in members if m["error"]]
    return "\n".join(lines)


def _row(member: Member) -> list[str]:
    seconds, latency = member["train_seconds"], member["latency_ms"]
    return [
        member["model"],
        "failed" if member["mean"] is None else _accuracy(member),
        str(member["depth"]),
        f"{member['parameters']:,}",
        f"{member['multiply_adds'] / 1e6:,.2f}{NO_BREAK}M",
        "–" if seconds is None else f"{seconds:.1f}{NO_BREAK}s",
        "–" if latency is None else f"{latency:.2f}{NO_BREAK}ms",
    ]


def _accuracy(member: Member) -> str:
    if member["spread"] is None:
        return percent(member["mean"])
    return f"{100 * member['mean']:.2f} ± {100 * member['spread']:.2f}{NO_BREAK}%"


def _measured(settings: Mapping[str, Any]) -> str:
    """Say what an accuracy is one of."""
    return (
        f"accuracy on {plural(settings['validation_images'], 'validation image')} after "
        f"{plural(settings['epochs'], 'epoch')}, mean of {plural(settings['seeds'], 'seed')}"
    )


def _lead(settings: Mapping[str, Any], members: Sequence[Member]) -> str:
    best = _best(members)
    if best is None:
        return "No training was finished."
    return (
        f"{best['model']} read most: {_accuracy(best)} of the validation images "
        f"after {plural(settings['epochs'], 'epoch')}."
    )


def _best(members: Sequence[Member]) -> Member | None:
    known = [member for member in members if member["mean"] is not None]
    return max(known, key=lambda member: float(member["mean"]), default=None)


def _side_by_side(settings: Mapping[str, Any], members: Sequence[Member]) -> Section:
    words = _measured(settings)
    caption = (
        f"{words[0].upper()}{words[1:]} ± their sample standard deviation. Training is the "
        "time of a seed’s epochs, with validation; latency is the median time of the "
        "reader for a single image. Parameters and multiply-adds are those of the reader."
    )
    blocks = [table(caption, HEAD, [_row(member) for member in members])]
    lost = [
        f"{member['model']} with {number(count)} of {number(len(member['accuracies']))} seeds"
        for member in members
        if (count := sum(a is not None and a < CHANCE for a in member["accuracies"]))
    ]
    if lost:
        blocks.append(paragraph(f"Stayed near the 10{NO_BREAK}% of chance: {listing(lost)}."))
    return "Side by side", blocks


def _figure(cost: Cost, figure: tuple[bytes, bytes], members: Sequence[Member]) -> Section:
    caption = f"Validation accuracy against {cost.name}."
    if cost is COSTS[0]:
        caption = (
            "A small dot is a seed, a large one the mean, the bar the sample standard deviation "
            "to either side of it. Lines join networks of a family; networks of equal depth stand "
            "side by side. Accuracy is stretched towards "
            f"100{NO_BREAK}%: half as many mistakes is the same step anywhere."
        )
    told = [
        f"{member['model']} {_accuracy(member)}" for member in members if member["mean"] is not None
    ]
    alt = f"Validation accuracy against {cost.name}: {'; '.join(told) or 'nothing to show'}."
    return f"Accuracy and {cost.name}", [picture(*figure, alt, caption)]


def _measuring(settings: Mapping[str, Any], members: Sequence[Member]) -> Section:
    pairs = {
        "Data": f"{settings['data']}, {plural(settings['images'], 'image')}, of which "
        f"{settings['validation_images']:,} to validate",
        "Recipe": f"{settings['recipe']}, {plural(settings['epochs'], 'epoch')}, "
        f"batches of {settings['batch_size']}",
        "Precision": ", ".join(
            sorted({member["precision"] for member in members if member["precision"]})
        ),
        "Seeds": f"{plural(settings['seeds'], 'seed')}, the same for every network: a seed splits "
        "the images and draws augmentation alike for all",
        "Latency": f"median of {settings['latency_rounds']} readings of a single image on ONNX "
        "Runtime, one network after another, after all were trained",
    }
    words = (
        f"After {plural(settings['epochs'], 'epoch')} by one recipe, accuracy also tells how fast "
        "a network learns: one that is behind here may catch up in a longer training, or with a "
        "recipe made for it. Times depend on the machine, and on what else it did meanwhile."
    )
    beside = (
        "The figures lie beside this page as PNG, all numbers in comparison.json, each training "
        "in a folder of its own."
    )
    return "How this was measured", [paragraph(words), definitions(pairs), paragraph(beside)]
