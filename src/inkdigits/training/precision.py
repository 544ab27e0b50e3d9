"""bfloat16 or float32: whichever this machine trains faster with."""

import copy
import time

import torch
from torch import Tensor

from inkdigits.models import Network
from inkdigits.training.replay import Replayed

PRECISIONS = ("bfloat16", "float32")

# bfloat16 must win by this much: a close call must not fall differently from run to run.
_MARGIN = 1.1
_TRIES = 4
_REPLAYS = 10


def choose_precision(network: Network, images: Tensor, labels: Tensor) -> tuple[str, str]:
    """Time a training step of ``network`` on the batch in both precisions.

    Returns the name of the faster one ("bfloat16" or "float32") and a sentence with the times. On
    the CPU one thread's own time counts, so that a busy machine does not change the choice; on one
    that has no convolutions in bfloat16 nothing is timed, since torch's own take seconds a step. On
    a GPU it is replayed steps that are timed, as training replays them.
    """
    if images.device.type == "cpu" and not has_bfloat16():
        return "float32", "precision float32 (this processor has no bfloat16)"
    trial = copy.deepcopy(network).train()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():  # dropout draws from it
            times = {
                name: min(_step_time(trial, images, labels, name) for _ in range(_TRIES))
                for name in 2 * PRECISIONS  # the first time round warms up
            }
    finally:
        torch.set_num_threads(threads)
    chosen = "bfloat16" if times["bfloat16"] * _MARGIN < times["float32"] else "float32"
    measured = ", ".join(f"{name} {seconds * 1e3:.2f} ms" for name, seconds in times.items())
    place = "one thread" if images.device.type == "cpu" else "the GPU"
    return chosen, f"precision {chosen} (a step on {place}: {measured})"


def has_bfloat16() -> bool:
    """Tell whether oneDNN computes in bfloat16 on this processor (AVX-512, or Arm's own)."""
    mkldnn = torch.backends.mkldnn.is_available()
    return mkldnn and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Compute in ``precision`` inside the block; weights, sums and updates stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def _step_time(network: Network, images: Tensor, labels: Tensor, precision: str) -> float:
    """Return the time of forward and backward, in seconds."""

    def step(images: Tensor) -> Tensor:
        with autocast(images.device, precision):
            loss, _ = network.loss(images, labels)
        network.zero_grad()
        loss.backward()
        return loss.detach()

    if images.device.type == "cpu":
        start = time.thread_time()
        step(images)
        return time.thread_time() - start
    replayed = Replayed(step)
    for _ in range(_REPLAYS):
        replayed(images)
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(_REPLAYS):
        replayed(images)
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / _REPLAYS
