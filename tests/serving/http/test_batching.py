"""Where the network runs, and what it reads at once."""

import asyncio
import threading
import time

import numpy as np
import pytest

from inkdigits.serving.batching import BATCH, LAST, Batcher


class Network:
    """Gives each image ten times its first value; notes the size and the thread of each batch."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.batches = []

    def __call__(self, images):
        time.sleep(self.seconds * len(images))
        self.batches.append((len(images), threading.current_thread().name))
        return images[:, :1, 0].astype(np.float32).repeat(10, axis=1)


def images(*values):
    return np.array(values, np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)


def run(network, talk):
    async def within():
        batcher = Batcher(network, lambda size: None)
        try:
            return await talk(batcher)
        finally:
            batcher.close()

    return asyncio.run(within())


@pytest.mark.parametrize("seconds", [0.0, 0.01])
def test_each_gets_the_answers_to_its_own_images(seconds):
    async def talk(batcher):
        asked = [images(7), images(1, 2, 3), images(), images(9)]
        return await asyncio.gather(*map(batcher.put, asked))

    answers = run(Network(seconds), talk)
    assert [answer[:, 0].tolist() for answer in answers] == [[7], [1, 2, 3], [], [9]]


def test_what_waits_is_read_at_once_in_batches_of_bounded_size():
    async def talk(batcher):
        await asyncio.gather(*(batcher.put(images(1)) for _ in range(BATCH + 6)))

    network = Network()
    run(network, talk)
    assert [size for size, _ in network.batches] == [BATCH, 6]


@pytest.mark.parametrize(("seconds", "thread"), [(0.0, "MainThread"), (0.01, "network_0")])
def test_a_quick_network_runs_on_the_event_loop_and_a_slow_one_beside_it(
    seconds, thread, monkeypatch
):
    monkeypatch.setattr("inkdigits.serving.batching.QUICK", 0.005)

    async def talk(batcher):
        for _ in range(LAST):  # after which it is known, however busy the machine
            await batcher.put(images(1))
        await batcher.put(images())  # which tells nothing of it
        await batcher.put(images(1))

    network = Network(seconds)
    run(network, talk)
    assert network.batches[-1] == (1, thread)
    assert network.batches[0] == (1, "MainThread")
