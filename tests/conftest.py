import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Small work on small images: more threads than one only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Other work on the machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Where these are set pytest lists all differences, and seeks those of two files' bytes for hours.
os.environ.pop("CI", None)
os.environ.pop("BUILD_NUMBER", None)


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Heed SIGINT, which a shell in the background, or a command just stopped, has ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)
