"""Where a training stands, and the checkpoint that brings it back."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim import Optimizer

from inkdigits.errors import DataError
from inkdigits.files import whole_file
from inkdigits.models import Network
from inkdigits.training.hardness import Hardness
from inkdigits.training.optimiser import Average
from inkdigits.training.run import json_sha256
from inkdigits.training.schedule import Annealer

MANIFEST = "checkpoint.json"
_NETWORK, _AVERAGE = "network.", "average."
_REMEDY = "start the training anew"


@dataclass
class Progress:
    """The numbers of a training: the next epoch and batch, running sums, and what was measured.

    ``annealer`` is None where the learning rate follows from the step alone.
    """

    annealer: Annealer | None
    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass
class State:
    """All that changes during a training; what follows depends on it, the data and the seed.

    ``training``: a hash that tells which one it is of.
    """

    training: str
    network: Network
    optimiser: Optimizer
    progress: Progress
    average: Average | None = None
    hardness: Hardness | None = None

    @property
    def result(self) -> Network:
        """The network that the training ends in: the mean of its weights, where one is kept."""
        return self.network if self.average is None else self.average.network


def save(state: State, folder: Path) -> None:
    """Write a checkpoint into ``folder``; a reader finds the former one or this one, never half.

    The tensors are written under a name of their own; the manifest that points to them comes last.
    Raises InkdigitsError where the folder cannot be written; the former checkpoint then stays.
    """
    progress = state.progress
    name = f"epoch{progress.epoch}-batch{progress.batch}.safetensors"
    with whole_file(folder / name) as temporary:
        content = safetensors.torch.save({n: t.contiguous() for n, t in _tensors(state).items()})
        temporary.write_bytes(content)
    manifest = {
        "training": state.training,
        "tensors": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "progress": asdict(progress),
        "progress_sha256": json_sha256(asdict(progress)),
    }
    with whole_file(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1))
    for old in (*folder.glob("epoch*-batch*.safetensors"), *folder.glob(".inkdigits-*")):
        if old.name != name:
            old.unlink(missing_ok=True)


def load(state: State, folder: Path) -> bool:
    """Bring ``state`` to the checkpoint in ``folder``; False if there is none.

    Raises DataError if the checkpoint is damaged, or of another network or training.
    """
    path = folder / MANIFEST
    if not path.exists():
        return False
    manifest, saved = _read(folder)
    if manifest.get("training") != state.training:
        raise DataError(
            f"the checkpoint is of another training; bring back this one's, or {_REMEDY}", path
        )
    try:
        progress = dict(manifest["progress"])
        if json_sha256(progress) != manifest["progress_sha256"]:
            raise ValueError("the progress is not what was written")
        annealer = progress.pop("annealer")
        state.progress = Progress(annealer and Annealer(**annealer), **progress)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error
    _fill(_tensors(state), saved, path)
    return True


def load_weights(network: nn.Module, folder: Path) -> str:
    """Bring ``network`` to the weights that the training in ``folder`` ended in.

    Returns the hash of the file that they were in. Raises DataError if there is none, or if it is
    damaged or belongs to another network.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise DataError("there is no checkpoint here; bring it back, or train anew", path)
    manifest, saved = _read(folder)
    averaged = any(name.startswith(_AVERAGE) for name in saved)
    _fill(_weights(network, _AVERAGE if averaged else _NETWORK), saved, path)
    return str(manifest["sha256"])


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return a checkpoint's manifest and tensors, which are those that were written."""
    path = folder / MANIFEST
    try:
        manifest = dict(json.loads(path.read_text()))
        tensors_path = folder / manifest["tensors"]
        content = tensors_path.read_bytes()
        whole = hashlib.sha256(content).hexdigest() == manifest["sha256"]
    except PermissionError as error:
        raise DataError(
            "the checkpoint cannot be read; make it readable", error.filename
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path) from error
    try:
        if whole:
            return manifest, safetensors.torch.load(content)
    except SafetensorError as error:
        raise _damaged(tensors_path) from error
    raise _damaged(tensors_path)


def _fill(tensors: dict[str, Tensor], saved: dict[str, Tensor], path: Path) -> None:
    try:
        for name, tensor in tensors.items():
            tensor.copy_(saved[name].reshape(tensor.shape))
    except (KeyError, RuntimeError) as error:
        raise DataError(f"the checkpoint is of another network; {_REMEDY}", path) from error


def _damaged(path: Path) -> DataError:
    return DataError(f"the checkpoint is damaged or incomplete; {_REMEDY}", path)


def _weights(network: nn.Module, prefix: str) -> dict[str, Tensor]:
    return {prefix + name: tensor.detach() for name, tensor in network.state_dict().items()}


def _tensors(state: State) -> dict[str, Tensor]:
    """Every tensor of the network, its average and its optimiser, and what was hard, by name."""
    tensors = _weights(state.network, _NETWORK)
    if state.average is not None:
        tensors |= _weights(state.average.network, _AVERAGE)
    if state.hardness is not None:
        tensors["hardness"] = state.hardness.ranks
    parameters: list[nn.Parameter] = [
        p for group in state.optimiser.param_groups for p in group["params"]
    ]
    for index, parameter in enumerate(parameters):
        moments: dict[str, Any] = state.optimiser.state[parameter]
        tensors |= {f"optimiser.{index}.{name}": moment for name, moment in moments.items()}
    return tensors
