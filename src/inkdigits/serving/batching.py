"""The network reads the images of many requests at once."""

import asyncio
import concurrent.futures
import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from inkdigits.images import Images

Scores: TypeAlias = NDArray[np.float32]
Waiting: TypeAlias = "tuple[Images, asyncio.Future[Scores]]"

BATCH = 64  # images; more gain nothing, and would keep a single digit waiting
QUICK = 0.005  # seconds; handing a batch to another thread and back may take as long
LAST = 16  # batches; the quickest of them had no wait for the processor in it


class Batcher:
    """Takes images from requests and gives each its probabilities, one batch after the other.

    A batch that ``predict`` reads quickly, judged by the quickest of the last ones, is read on the
    event loop: no thread waits for another's turn at the interpreter, and a lone image waits for
    nobody. A slower one goes to a thread, and while it runs the next gathers. Nobody waits for
    company, and under load batches grow by themselves. The queue needs no bound of its own, since
    the gate bounds the requests.
    """

    def __init__(self, predict: Callable[[Images], Scores], observe: Callable[[int], None]) -> None:
        self._predict = predict
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "network")
        self._waiting: deque[Waiting] = deque()
        self._running = False
        self._pace: deque[float] = deque(maxlen=LAST)  # seconds for an image

    def put(self, images: Images) -> "asyncio.Future[Scores]":
        """Queue images (N, 28, 28); the result is float32 (N, 10)."""
        future: asyncio.Future[Scores] = self._loop.create_future()
        self._waiting.append((images, future))
        if not self._running:
            self._running = True
            self._loop.call_soon(self._start)  # after the requests that this turn still brings
        return future

    def close(self) -> None:
        """Stop the thread; nothing may be waiting any more."""
        self._thread.shutdown()

    def _start(self) -> None:
        batch: list[Waiting] = []
        size = 0
        while self._waiting and (not batch or size + len(self._waiting[0][0]) <= BATCH):
            images, future = self._waiting.popleft()
            if not future.cancelled():  # its deadline may have passed
                batch.append((images, future))
                size += len(images)
        if not batch:
            self._running = False
            return
        self._observe(size)
        images = np.concatenate([images for images, _ in batch])
        if size * min(self._pace, default=0.0) < QUICK:
            outcome: Scores | Exception
            try:
                outcome = self._read(images)
            except Exception as error:
                outcome = error
            self._finish(batch, outcome)
        else:
            self._loop.run_in_executor(self._thread, self._read, images).add_done_callback(
                lambda done: self._finish(batch, done.exception() or done.result())
            )

    def _read(self, images: Images) -> Scores:
        began = time.perf_counter()
        scores = self._predict(images)
        if len(images):
            self._pace.append((time.perf_counter() - began) / len(images))
        return scores

    def _finish(self, batch: list[Waiting], outcome: Scores | BaseException) -> None:
        start = 0
        for images, future in batch:
            end = start + len(images)
            if not future.done():
                if isinstance(outcome, BaseException):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome[start:end])
            start = end
        self._loop.call_soon(self._start)
