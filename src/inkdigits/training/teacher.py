"""Networks that teach another one (Hinton, Vinyals and Dean, 2015)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inkdigits.errors import UsageError
from inkdigits.models import create
from inkdigits.training.run import Run
from inkdigits.training.state import load_weights

TEMPERATURE = 2.0
"""By which both the teachers' logits and the learner's are divided, so that the less likely digits
count: judged by unseen writers, a learner of six is then more certain of the truth than at 1."""


class Teachers(nn.Module):
    """The networks that finished runs ended in, as one: the mean of their probabilities.

    On the device of the network that learns, where they see each image as it sees it, changed in
    the same way (Beyer et al., 2022). ``identities``: path and hash of each. Raises DataError for
    a folder that is no run, UsageError for a run that has not ended.
    """

    def __init__(self, folders: Sequence[str | Path], device: torch.device) -> None:
        super().__init__()
        self.runs = [_finished(Path(folder)) for folder in folders]
        self.identities: list[dict[str, str]] = []
        networks = []
        for run in self.runs:
            with torch.random.fork_rng():
                network = create(run.manifest["model"])
            sha256 = load_weights(network, run.checkpoint)
            self.identities.append({"path": str(run.folder.resolve()), "sha256": sha256})
            # Not every overload of Module.to is typed.
            network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            networks.append(network.eval().requires_grad_(False))
        self._networks = nn.ModuleList(networks)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 28, 28) in 0–255 to the probabilities to learn (N, 10), softened."""
        probabilities = [network(images).float().softmax(1) for network in self._networks]
        return soften(torch.stack(probabilities).mean(0))

    def held_out_alike(self, asked: dict[str, Any]) -> bool:
        """Whether none of them learnt from images that the run of the manifest holds out."""
        return all(_held_out(run.manifest) == _held_out(asked) for run in self.runs)


def soften(probabilities: Tensor) -> Tensor:
    """Return the probabilities (N, 10) whose logits are divided by the temperature."""
    return (probabilities.clamp(min=1e-12).log() / TEMPERATURE).softmax(1)


def _finished(folder: Path) -> Run:
    run = Run(folder)
    if run.result is None:
        raise UsageError(f"has not ended; go on with it first: {run.resuming}", folder)
    return run


def _held_out(manifest: dict[str, Any]) -> list[Any]:
    recipe = manifest["recipe"]
    return [manifest["data"]["fingerprint"], manifest["seed"], recipe["validation_fraction"]]
