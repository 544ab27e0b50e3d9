"""bfloat16 or float32: whichever this machine computes faster with."""

import time

import torch
from torch.nn import Conv2d

PRECISIONS = ("bfloat16", "float32")

# Where bfloat16 is in the hardware a convolution is about twice as fast in it, elsewhere slower;
# nothing lies near this, so that the choice, and with it the weights, are the same in every run.
_MARGIN = 1.3
_TRIES = 4
# Images of 28×28 and their channels: some ten milliseconds of a core, one of a GPU.
_SIZES = {"cpu": (16, 64), "cuda": (128, 256)}


def choose_precision(device: torch.device) -> tuple[str, str]:
    """Time a convolution on ``device``, forward and backward, in both precisions.

    Returns the name of the faster one ("bfloat16" or "float32") and a sentence with the times. It
    is the same convolution for every network: a step of some networks is so little faster in
    bfloat16 that chance would choose. On the CPU one thread's own time counts, so that a busy
    machine does not change the choice; on one that has no convolutions in bfloat16 nothing is
    timed, since torch's own take seconds.
    """
    if device.type == "cpu" and not has_bfloat16():
        return "float32", "precision float32 (this processor has no bfloat16)"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = {
            name: min(_convolution_time(device, name) for _ in range(_TRIES))
            for name in 2 * PRECISIONS  # the first time round warms up
        }
    finally:
        torch.set_num_threads(threads)
    chosen = "bfloat16" if times["bfloat16"] * _MARGIN < times["float32"] else "float32"
    measured = ", ".join(f"{name} {seconds * 1e3:.2f} ms" for name, seconds in times.items())
    place = "one thread" if device.type == "cpu" else "the GPU"
    return chosen, f"precision {chosen} (a convolution on {place}: {measured})"


def has_bfloat16() -> bool:
    """Tell whether oneDNN computes in bfloat16 on this processor (AVX-512, or Arm's own)."""
    mkldnn = torch.backends.mkldnn.is_available()
    return mkldnn and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Compute in ``precision`` inside the block; weights, sums and updates stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def _convolution_time(device: torch.device, precision: str) -> float:
    """Return the time of forward and backward, in seconds."""
    count, channels = _SIZES[device.type]
    with torch.random.fork_rng():
        convolution = Conv2d(channels, channels, 3, device=device)
    images = torch.ones(count, channels, 28, 28, device=device)
    images = images.to(memory_format=torch.channels_last).requires_grad_()
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.synchronize()
    start = time.perf_counter() if on_gpu else time.thread_time()
    with autocast(device, precision):
        result = convolution(images)
    result.sum().backward()
    if on_gpu:
        torch.cuda.synchronize()
    return (time.perf_counter() if on_gpu else time.thread_time()) - start
