"""Recipe → fit → run folder, which ends in ``reader.onnx``."""

from inkdigits.training.job import resume, run_data, split, train, validation_images
from inkdigits.training.processes import helps_another
from inkdigits.training.recipe import RECIPES, Recipe
from inkdigits.training.run import Run

__all__ = [
    "RECIPES",
    "Recipe",
    "Run",
    "helps_another",
    "resume",
    "run_data",
    "split",
    "train",
    "validation_images",
]
