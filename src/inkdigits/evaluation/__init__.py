"""Probabilities and labels in; metrics, figures and the report out."""

from inkdigits.evaluation.metrics import ClassScore, Evaluation, evaluate

__all__ = ["ClassScore", "Evaluation", "evaluate"]
