"""The report on a reader: a page to enjoy, its figures as PNG, its numbers as JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inkdigits.data.dataset import Labels, check_labels
from inkdigits.errors import DataError
from inkdigits.evaluation.figures import (
    draw_confusion,
    draw_curves,
    draw_errors,
    draw_recall,
    draw_reliability,
)
from inkdigits.evaluation.folder import write_folder
from inkdigits.evaluation.metrics import Evaluation, Probabilities, evaluate
from inkdigits.evaluation.page import (
    Section,
    definitions,
    page,
    paragraph,
    picture,
    table,
)
from inkdigits.evaluation.style import both_themes
from inkdigits.evaluation.wording import listing, number, percent, plural, span, times
from inkdigits.images import Images, check_images

FILES = (
    "curves.png",
    "confusion.png",
    "recall.png",
    "errors.png",
    "calibration.png",
    "evaluation.json",
    "index.html",
)
SHOWN = 9  # errors in figure 11
FEW = 200  # images below which a calibration error says little


def write_report(
    folder: Path,
    images: Images,
    labels: Labels,
    probabilities: Probabilities,
    *,
    title: str,
    caution: str = "",
    history: Sequence[Mapping[str, Any]] | None = None,
    provenance: Mapping[str, str] | None = None,
) -> Evaluation:
    """Evaluate, and write ``folder``/index.html with its figures (PNG) and evaluation.json.

    ``images`` is uint8 (N, 28, 28); ``labels`` and ``probabilities`` are as in ``evaluate``;
    ``caution``: what makes the accuracy worth less, in words, if anything does; ``history`` has a
    mapping for each epoch (as in ``draw_curves``); ``provenance`` says how the
    reader was made, in words. Nothing is written before all is drawn; what stood there before is
    replaced at the end, by names (``FILES``) only. Raises DataError for arrays that do not belong
    together, InkdigitsError where the folder cannot be written.
    """
    images, labels = check_images(images, "images"), check_labels(labels, "labels")
    evaluation = evaluate(labels, probabilities)
    if len(images) != evaluation.n:
        raise DataError(
            f"{len(images)} images but {evaluation.n} labels; they must match", "images"
        )
    provenance = provenance or {}
    figures = {
        "confusion.png": both_themes(lambda theme: draw_confusion(evaluation, theme)),
        "recall.png": both_themes(lambda theme: draw_recall(evaluation, theme)),
        "errors.png": both_themes(
            lambda theme: draw_errors(images, labels, probabilities, evaluation, theme, SHOWN)
        ),
        "calibration.png": both_themes(lambda theme: draw_reliability(evaluation, theme)),
    }
    if history:
        figures["curves.png"] = both_themes(lambda theme: draw_curves(history, theme))
    sections = [
        _confusions(evaluation, figures["confusion.png"]),
        _errors(evaluation, figures["errors.png"]),
        _digits(evaluation, figures["recall.png"]),
        _trust(evaluation, figures["calibration.png"]),
    ]
    if history:
        sections.append(_learning(history, figures["curves.png"]))
    sections.append(_making(provenance))
    told = {"caution": caution} if caution else {}
    numbers = {"title": title, **told, **evaluation.to_json(), "provenance": dict(provenance)}
    files = {name: light for name, (light, _) in figures.items()}
    files["evaluation.json"] = _line_by_line(numbers).encode()
    files["index.html"] = page(title, _lead(evaluation, caution), sections).encode(errors="replace")
    write_folder(folder, files, FILES)
    return evaluation


def _lead(evaluation: Evaluation, caution: str) -> str:
    words = (
        f"{evaluation.correct:,} of {plural(evaluation.n, 'digit')} read rightly: "
        f"{percent(evaluation.accuracy)} "
        f"(95\N{NO-BREAK SPACE}% interval {span(evaluation.interval)})."
    )
    return f"{words} But {caution}." if caution else words


def _confusions(evaluation: Evaluation, figure: tuple[bytes, bytes]) -> Section:
    pairs = evaluation.confusions()
    told = [
        f"{true} {'was read ' if i == 0 else ''}as {read} ({times(count)})"
        for i, (true, read, count) in enumerate(pairs[:5])
    ]
    rest = len(pairs) - len(told)
    words = f"{listing(told)}." if pairs else "Nothing: every digit was read as what it is."
    if rest:
        words += f" {plural(rest, 'other pair').capitalize()} of digits make up the rest."
    caption = (
        "Each row is a true digit, each column what it was read as. Colour marks the mistakes; "
        "the grey diagonal counts what was read rightly. (Figure 10 of the original report plots "
        "the transposed matrix under these labels, so it reads the wrong way round; this is right.)"
    )
    alt = f"Confusion matrix, true labels in rows, predicted labels in columns. {words}"
    return "What it confuses", [paragraph(words), picture(*figure, alt, caption)]


def _errors(evaluation: Evaluation, figure: tuple[bytes, bytes]) -> Section:
    count = len(evaluation.errors)
    if not count:
        return "Its errors", [paragraph("There are none to show.")]
    words = {1: "There is one.", 2: "Both, the more confident first."}.get(
        count, f"All {number(count)}, the most confident first."
    )
    if count > SHOWN:
        words = f"Of {plural(count, 'error')}, these are the {number(SHOWN)} it was surest of."
    caption = (
        "The true digit, what it was read as, and how sure the reader was. The places of all "
        "errors among the images, counted from 0, are in evaluation.json under “errors”."
    )
    alt = f"Up to {number(SHOWN)} images of digits that were read wrongly, with their captions."
    return "Its errors", [paragraph(words), picture(*figure, alt, caption)]


def _digits(evaluation: Evaluation, figure: tuple[bytes, bytes]) -> Section:
    known = [(s.recall, s.label) for s in evaluation.per_class if s.recall is not None]
    (low, hardest), (high, easiest) = min(known), max(known)
    words = (
        f"Hardest is the {hardest}, of which {percent(low)} were read rightly, easiest the "
        f"{easiest} with {percent(high)}."
    )
    if len(known) == 1:
        words = f"There are images of the {hardest} only."
    elif low == high:
        words = "No digit was harder than another."
    caption = (
        "Recall of each digit. The bar is its 95\N{NO-BREAK SPACE}% interval: where bars overlap "
        "widely, chance may have put the digits in this order. The line is the accuracy over all."
    )
    rows = [
        [
            str(score.label),
            f"{score.support:,}",
            _or_dash(score.recall),
            "–" if score.recall_interval is None else span(score.recall_interval, 1),
            _or_dash(score.precision),
        ]
        for score in evaluation.per_class
    ]
    return "Digit by digit", [
        paragraph(words),
        picture(*figure, f"Recall of each digit with its interval. {words}", caption),
        table(
            "Recall: of the images of a digit, the share read as it. Precision: of the images "
            "read as a digit, the share that are it.",
            ["Digit", "Images", "Recall", "95\N{NO-BREAK SPACE}% interval", "Precision"],
            rows,
        ),
    ]


def _trust(evaluation: Evaluation, figure: tuple[bytes, bytes]) -> Section:
    confidence, accuracy = evaluation.confidence, evaluation.accuracy
    if evaluation.ece_interval[0] == 0:
        verdict = "No more than chance would show: take its probabilities at their word."
    elif confidence.mean > accuracy:
        verdict = "It is surer than it should be."
    else:
        verdict = "It is right more often than it says."
    if evaluation.n < FEW:
        verdict = f"With {plural(evaluation.n, 'image')} this is a rough guess, no more."
    words = (
        f"On average it was {percent(confidence.mean)} sure; it was right in {percent(accuracy)}. "
        "Between what it promised and what it kept lie on average "
        f"{100 * evaluation.ece:.2f} percentage points. {verdict}"
    )
    numbers = {
        "Expected calibration error": f"{percent(evaluation.ece)} "
        f"(95\N{NO-BREAK SPACE}% interval {span(evaluation.ece_interval)})",
        "Negative log-likelihood": f"{evaluation.nll:.4f}\N{NO-BREAK SPACE}nats",
        "Confidence, median": percent(confidence.median),
        "Confidence, lowest 5\N{NO-BREAK SPACE}% end at": percent(confidence.quantile_5),
    }
    caption = (
        "How sure it was against how often it was right, in bins of equally many images, with "
        "95\N{NO-BREAK SPACE}% intervals. On the line probabilities keep their word. Both scales "
        "are stretched towards 100\N{NO-BREAK SPACE}%, each tenfold drop in errors alike."
    )
    drawn = picture(*figure, f"Reliability diagram. {words}", caption)
    heading = "How far to trust its probabilities"
    return heading, [paragraph(words), drawn, definitions(numbers)]


def _learning(history: Sequence[Mapping[str, Any]], figure: tuple[bytes, bytes]) -> Section:
    last = history[-1]
    words = (
        f"After {plural(len(history), 'epoch')} its accuracy on the validation images was "
        f"{percent(float(last['val_accuracy']))}, its loss {float(last['val_loss']):.4f}."
    )
    caption = (
        "Loss and accuracy by epoch, on logarithmic scales so that late progress shows. Training "
        "figures are taken while the network learns, with whatever makes that harder "
        "(augmentation, dropout), so they may well be the worse ones."
    )
    alt = f"Loss and accuracy of training and validation by epoch. {words}"
    return "How it learnt", [paragraph(words), picture(*figure, alt, caption)]


def _making(provenance: Mapping[str, str]) -> Section:
    beside = paragraph(
        "The figures lie beside this page as PNG, all numbers in evaluation.json. Intervals are "
        "Wilson’s for shares and by bootstrap for the calibration error."
    )
    return "How this was made", [definitions(provenance), beside] if provenance else [beside]


def _or_dash(share: float | None) -> str:
    return "–" if share is None else percent(share)


def _line_by_line(numbers: Mapping[str, Any]) -> str:
    """Write JSON with one key a line: a person finds things, a matrix takes no hundred lines."""
    lines = (
        f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in numbers.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"
