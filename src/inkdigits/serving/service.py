"""From a request's body to readings: what runs where.

The event loop moves bytes. Pictures are decoded and searched for digits in a few threads, and the
network reads what they find there. The digit images of all other requests it reads in batches: in
one thread more, or on the event loop where that takes less than handing them over. A 28×28 picture
in MNIST's form needs no search, and takes less time to decode than to hand to a thread.
"""

import asyncio
import statistics
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from inkdigits.errors import DataError
from inkdigits.images import SIZE, Images, decode
from inkdigits.reading import Reader
from inkdigits.reading.answer import is_digit_image, read, read_digit_image
from inkdigits.reading.reader import cores
from inkdigits.reading.readings import Reading
from inkdigits.serving.batching import BATCH, Batcher, Scores
from inkdigits.serving.errors import busy
from inkdigits.serving.gate import Gate
from inkdigits.serving.limits import Limits, check_pixels
from inkdigits.serving.metrics import Metrics

SHARE = max(1, cores() // 2)  # threads for pictures, and for the network: the loop needs a core too
LAST = 16  # pictures, whose median is what the next will take: a mean would be led by the odd one
TINY = 4096  # bytes; a 28×28 PNG has hundreds
PNG_28 = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + 2 * SIZE.to_bytes(4, "big")


class Service:
    """Answers pictures and digit images with readings, as Reader.read answers each."""

    def __init__(self, reader: Reader, limits: Limits) -> None:
        self.reader = reader
        self.limits = limits
        self.gate = Gate(limits, SHARE)
        self.metrics = Metrics(self.gate, reader.origin())
        self._pool = ThreadPoolExecutor(SHARE, "picture")
        self._queue: set[Future[Reading]] = set()  # pictures in the pool, waiting ones included
        self._last: deque[float] = deque([0.0], maxlen=LAST)  # seconds that pictures took there
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to warm up; the gate opens when that is done."""
        self._batcher = Batcher(self.reader.predict_proba, self.metrics.batch.observe)
        self._warming = asyncio.create_task(self._warm())

    async def stop(self) -> None:
        """Stop the threads; every request has had its answer by now."""
        if self._warming is not None:
            await self._warming
        self._pool.shutdown(wait=False)  # what is late may go on for long
        self._batcher.close()

    async def read_picture(self, content: bytes, *, one: bool) -> list[Reading]:
        """Read an encoded picture; DataError if it is none, Problem (413) if it is too large."""
        if not content:
            raise DataError("the body is empty; send a picture as it is")
        if len(content) <= TINY and content.startswith(PNG_28):
            image = decode(content)
            if is_digit_image(image):
                return [self._answer(image, (await self._batcher.put(image[None]))[0])]
        return [await self._in_pool(content, one)]

    async def read_images(self, images: Images) -> list[Reading]:
        """Read images (N, 28, 28)."""
        plain = np.array([is_digit_image(image) for image in images], np.bool_)
        scores = iter(await self._batcher.put(images[plain]))
        return [
            self._answer(image, next(scores)) if easy else await self._in_pool(image, False)
            for image, easy in zip(images, plain, strict=True)
        ]

    def _answer(self, image: Images, scores: Scores) -> Reading:
        return read_digit_image(image, scores, self.reader.threshold)

    async def _in_pool(self, picture: bytes | Images, one: bool) -> Reading:
        late, free = self.gate.late, self.gate.free
        if free < 1:
            raise busy("the service is held up by pictures that take too long; try again later")
        ahead = len(self._queue) - len(late)
        if ahead * statistics.median(self._last) > self.limits.wait * free:
            raise busy("too many pictures are waiting; try again in a moment")
        work = self._pool.submit(self._search, picture, one)
        self._queue.add(work)
        work.add_done_callback(self._queue.discard)
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            if not work.cancel():  # a thread has begun it, and goes on to its end
                late.add(work)
                work.add_done_callback(late.discard)
            raise

    def _search(self, picture: bytes | Images, one: bool) -> Reading:
        began = time.perf_counter()
        if isinstance(picture, bytes):
            check_pixels(picture, self.limits)
        reading = read(picture, self._classify, self.reader.threshold, one=one)
        self._last.append(time.perf_counter() - began)
        return reading

    def _classify(self, images: Images) -> Scores:
        """Read a picture's digits at once: handing them over and back would take longer."""
        self.metrics.batch.observe(len(images))
        return self.reader.predict_proba(images)

    async def _warm(self) -> None:
        """Read batches of several sizes and a sheet, so that memory has its size from the start."""
        for size in (BATCH, 16, 4, 1):
            await self._batcher.put(np.zeros((size, SIZE, SIZE), np.uint8))
        sheet = np.full((768, 1024), 255, np.uint8)
        for left in range(100, 900, 100):
            sheet[300:360, left : left + 8] = 0
        await self._in_pool(sheet, False)
        self.gate.warm = True
