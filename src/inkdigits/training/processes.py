"""The processes that train one network together, as torchrun starts them; or one alone.

Every batch stays as large as the recipe says, and each process takes its part of it, so the
learning rate stays too, and the weights are those that one process alone would come to, but for the
order in which floats are added.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from inkdigits.errors import InkdigitsError
from inkdigits.training.meeting import own_part

Result = TypeVar("Result")


class Processes:
    """``count`` processes, of which this one has the number ``rank`` and trains on ``device``."""

    def __init__(self, rank: int, count: int, device: torch.device) -> None:
        self.rank, self.count, self.device = rank, count, device
        self.restartable = dist.is_torchelastic_launched()

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes files and tells how it goes."""
        return self.rank == 0

    @property
    def sentence(self) -> str:
        """How the work is shared out."""
        kind = "GPUs" if self.device.type == "cuda" else "processes"
        return f"{self.count} {kind}, each with its part of every batch"

    def part(self, length: int) -> slice:
        """Return this process's part of ``length`` things; all parts together are the whole."""
        return slice(length * self.rank // self.count, length * (self.rank + 1) // self.count)

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum of every process's ``tensor``, the same in each."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def together(self, part: Tensor, length: int) -> Tensor:
        """Return every process's ``part`` of ``length`` rows, put together."""
        if self.count == 1:
            return part
        whole = torch.zeros(length, *part.shape[1:], device=part.device)
        whole[self.part(length)] = part.float()
        return self.sum(whole)

    def any(self, flag: bool) -> bool:
        """Tell whether it is so in any of the processes."""
        return (
            bool(self.sum(torch.tensor(int(flag), device=self.device))) if self.count > 1 else flag
        )

    def from_first(self, make: Callable[[], Result]) -> Result:
        """Call ``make`` in the first process; return its result, or raise its error, in each.

        In the others an InkdigitsError becomes a silent exit with its code.
        """
        if self.count == 1:
            return make()
        told: list[Any] = [None, 0]
        if self.first:
            try:
                told = [make(), 0]
            except InkdigitsError as error:
                dist.broadcast_object_list([None, error.exit_code])
                raise
        dist.broadcast_object_list(told)
        result, exit_code = told
        if exit_code:
            raise SystemExit(exit_code)
        return cast(Result, result)

    def shared(self, module: nn.Module) -> nn.Module:
        """Return ``module`` such that gradients become the mean over the processes."""
        if self.count == 1:
            return module
        return DistributedDataParallel(module)


def helps_another() -> bool:
    """Tell whether torchrun started this process to help another, which writes and tells."""
    return dist.is_torchelastic_launched() and os.environ.get("RANK", "0") != "0"


@contextmanager
def processes() -> Iterator[Processes]:
    """Join the processes that torchrun started with this one, if it did, for as long as the block.

    On GPUs by NCCL, a GPU for each process; else by Gloo. Raises InkdigitsError if they do not
    find each other, or if one of them is lost on the way.
    """
    count = int(os.environ.get("WORLD_SIZE", "1")) if dist.is_torchelastic_launched() else 1
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if count == 1:
        yield Processes(0, 1, device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    # Its functions take the group of the moment for a default argument. Imported later, by an
    # optimiser, it would keep the group past its end, and Gloo's threads then abort a process
    # that is done, now and then.
    import_module("torch.distributed.nn.functional")
    try:
        store, rank, _ = next(rendezvous("env://"))
        dist.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            store=own_part(store, rank, count),
            rank=rank,
            world_size=count,
        )
        yield Processes(rank, count, device)
    except (RuntimeError, ValueError) as error:
        if not _is_lost(error):
            raise
        raise InkdigitsError(
            "another of the processes that train this network was lost, or never came; "
            "torchrun --max-restarts 3 goes on from the last checkpoint by itself"
        ) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _is_lost(error: Exception) -> bool:
    """Tell whether what went wrong was the exchange between processes."""
    return isinstance(error, dist.DistError) or "gloo" in str(error).lower()


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by the statistics of the whole batch, whose parts the processes hold.

    The same as torch's SyncBatchNorm, which knows no CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, H, W)."""
        if not self.training:
            return super().forward(x)
        wide = x.float()
        pixels = torch.tensor([float(x.numel() // x.shape[1])], device=x.device)
        sums = torch.cat([wide.sum((0, 2, 3)), pixels])
        *totals, count = _summed(sums).split([x.shape[1], 1])
        mean = totals[0] / count
        centred = wide - mean[:, None, None]
        variance = _summed(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            assert self.momentum is not None
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        normalised: Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(x.dtype)


class _Summed(torch.autograd.Function):
    """The sum over all processes, whose gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].clone()
        dist.all_reduce(gradient)
        return gradient


def _summed(x: Tensor) -> Tensor:
    return cast(Tensor, _Summed.apply(x))


def share_statistics(network: nn.Module) -> None:
    """Make every batch normalisation a SharedBatchNorm, which has the same tensors."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = SharedBatchNorm
