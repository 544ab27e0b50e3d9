"""Ctrl-C and SIGTERM, as a question that the training loop asks after each batch."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_outermost: threading.Event | None = None


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether the process was asked to stop.

    A second signal acts as it would have without us. Outside the main thread, where Python allows
    no signal handlers, nothing is caught. A block within another asks the same question.
    """
    global _outermost
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    if _outermost is not None:
        yield _outermost.is_set
        return
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(number, former[signal.Signals(number)])

    for number in former:
        signal.signal(number, ask)
    _outermost = asked
    try:
        yield asked.is_set
    finally:
        _outermost = None
        for number, handler in former.items():
            if signal.getsignal(number) is ask:  # else it is the former one, or what that one set
                signal.signal(number, handler)
