"""Processes that meet in a store where dead ones have left their names."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch.distributed as dist

from inkdigits.training.meeting import own_part

COUNT = 4


@pytest.fixture
def stores():
    """One store, as each of the processes sees it."""
    wait = timedelta(seconds=30)
    server = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=wait)
    others = [
        dist.TCPStore("127.0.0.1", server.port, is_master=False, timeout=wait)
        for _ in range(COUNT - 1)
    ]
    return [server, *others]


def meet(stores):
    with ThreadPoolExecutor(COUNT) as threads:
        return list(threads.map(own_part, stores, range(COUNT), [COUNT] * COUNT))


def test_all_have_the_same_part_and_each_time_another(stores):
    for time in ("first", "second", "third"):
        parts = meet(stores)
        assert not any(part.check(["address"]) for part in parts)
        parts[2].set("address", time)
        assert [part.get("address").decode() for part in parts] == [time] * COUNT


def test_the_dead_are_not_taken_for_the_living(stores):
    for rank in range(1, COUNT):
        stores[0].set(f"here/{rank}", f"dead{rank}")
    with ThreadPoolExecutor(COUNT) as threads:
        first = threads.submit(own_part, stores[0], 0, COUNT)
        stores[1].wait(["welcome/dead3"])  # the first has believed in all of them
        others = [threads.submit(own_part, stores[r], r, COUNT) for r in range(1, COUNT)]
        first.result().set("address", "here")
        assert [other.result().get("address").decode() for other in others] == ["here"] * 3


def test_who_does_not_come_is_told(stores):
    with pytest.raises(dist.DistStoreError, match=r"processes \[1, 2, 3\] did not come"):
        own_part(stores[0], 0, COUNT, timedelta(seconds=0.2))
