"""Work that a GPU does over and over: recorded as a CUDA graph, then replayed.

A small network keeps a GPU busy for less time than Python takes to ask for its hundreds of kernels;
a replay asks for all of them at once.
"""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

Work = Callable[..., Tensor]


class Replayed:
    """``work`` as a function of CUDA tensors; it may change whatever it likes on the GPU.

    The first call with tensors of some shapes does the work as ever, which also sets up what cannot
    be recorded; the second records it, and that call and all later ones replay it. So the work must
    do the same kernels every time, on memory that stays where it is, and never wait for the GPU.
    What it draws from torch's generator follows the generator's seed at the time of the replay.
    The tensor that is returned is overwritten by the next call.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._stream = torch.cuda.Stream()
        self._begun: set[tuple[torch.Size, ...]] = set()
        self._recorded: dict[tuple[torch.Size, ...], _Recorded] = {}

    def __call__(self, *given: Tensor) -> Tensor:
        """Do the work on ``given``."""
        shapes = tuple(tensor.shape for tensor in given)
        if shapes in self._begun:
            if shapes not in self._recorded:
                self._recorded[shapes] = _Recorded(self._work, given, self._stream)
            return self._recorded[shapes].replay(given)
        self._begun.add(shapes)
        # On the stream that records: autograd remembers where a weight was first used.
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = self._work(*given)
        torch.cuda.current_stream().wait_stream(self._stream)
        return result


class _Recorded:
    """One graph, with the memory that it reads from and writes to."""

    def __init__(self, work: Work, given: tuple[Tensor, ...], stream: torch.cuda.Stream) -> None:
        self._inputs = [tensor.clone() for tensor in given]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=stream):
            self._output = work(*self._inputs)

    def replay(self, given: tuple[Tensor, ...]) -> Tensor:
        for mine, tensor in zip(self._inputs, given, strict=True):
            mine.copy_(tensor)
        self._graph.replay()
        return self._output


def side_by_side(work: Work, given: Sequence[Tensor]) -> list[Tensor]:
    """Return what ``work`` makes of each of the tensors; on a GPU of all at the same time."""
    if not given or not given[0].is_cuda:
        return [work(tensor) for tensor in given]
    here, results = torch.cuda.current_stream(), []
    streams = [_stream(number) for number in range(len(given))]
    for tensor, stream in zip(given, streams, strict=True):
        stream.wait_stream(here)
        with torch.cuda.stream(stream):
            results.append(work(tensor))
    for stream in streams:
        here.wait_stream(stream)
    return results


@cache
def _stream(number: int) -> torch.cuda.Stream:
    return torch.cuda.Stream()
