"""Recipe → fit → run folder, which ends in ``reader.onnx``."""

from inkdigits.training.job import resume, train
from inkdigits.training.processes import helps_another
from inkdigits.training.recipe import RECIPES, Recipe
from inkdigits.training.run import Run
from inkdigits.training.split import run_data, split, validation_images

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
