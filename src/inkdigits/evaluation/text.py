"""An evaluation in words and columns, for the terminal."""

from inkdigits.evaluation.metrics import Evaluation
from inkdigits.evaluation.wording import percent, plural, span, times


def accuracy_text(evaluation: Evaluation) -> str:
    """Return the accuracy with its interval and the counts behind it."""
    low, high = evaluation.interval
    return (
        f"{evaluation.accuracy:.4f} (95 % interval {low:.4f}–{high:.4f}; "
        f"{evaluation.correct:,} of {plural(evaluation.n, 'image')})"
    )


def evaluation_text(evaluation: Evaluation) -> str:
    """Return accuracy, calibration, a row per digit and the commonest confusions."""
    lines = [
        f"accuracy     {accuracy_text(evaluation)}",
        f"calibration  {100 * evaluation.ece:.2f} points off on average "
        f"({100 * evaluation.ece_interval[0]:.2f}–{100 * evaluation.ece_interval[1]:.2f})",
        "",
        "digit  images   recall  (95 % interval)   precision",
    ]
    for score in evaluation.per_class:
        recall = "–" if score.recall is None else percent(score.recall)
        interval = "–" if score.recall_interval is None else span(score.recall_interval)
        precision = "–" if score.precision is None else percent(score.precision)
        lines.append(
            f"{score.label:>5}  {score.support:>6}  {recall:>8} {interval:>17}  {precision:>9}"
        )
    pairs = evaluation.confusions()[:5]
    if pairs:
        told = ", ".join(f"{true} as {read} ({times(count)})" for true, read, count in pairs)
        lines += ["", f"most often mistaken: {told}"]
    return "\n".join(lines)
