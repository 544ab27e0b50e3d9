"""A reader that teaches a network (Hinton, Vinyals and Dean, 2015)."""

from pathlib import Path

import torch
from torch import Tensor

from inkdigits.reading import Reader


class Teacher:
    """What a reader makes of images, for a smaller network to learn from.

    ``path``: a reader.onnx, or the run folder it lies in. ``sha256`` tells one teacher from
    another. Raises DataError for a file that is no reader of ours.
    """

    def __init__(self, path: str | Path) -> None:
        self._reader = Reader(path)
        self.path = self._reader.path
        self.sha256 = self._reader.sha256

    def __call__(self, images: Tensor) -> Tensor:
        """Return calibrated probabilities (N, 10) of images (N, 28, 28) in 0–255."""
        pixels = images.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        return torch.from_numpy(self._reader.predict_proba(pixels)).to(images.device)
