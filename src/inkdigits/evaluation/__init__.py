"""Probabilities and labels in; metrics, figures and the report out."""

from typing import TYPE_CHECKING

from inkdigits.evaluation.history import read_history
from inkdigits.evaluation.metrics import ClassScore, Evaluation, evaluate

if TYPE_CHECKING:
    from inkdigits.evaluation.report import write_report

__all__ = ["ClassScore", "Evaluation", "evaluate", "read_history", "write_report"]


def __getattr__(name: str) -> object:
    # Only who writes a report waits for matplotlib.
    if name == "write_report":
        from inkdigits.evaluation.report import write_report

        return write_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
