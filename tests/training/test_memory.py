import resource
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from inkdigits.training.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def use():
    for _ in range(20):
        a, b, c = (torch.ones(1_600_000) for _ in range(3))
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
def test_pages_are_faulted_in_once():
    pages = 20 * 3 * 1_600_000 * 4 // resource.getpagesize()
    # The least of three: beside other work the system may take a few pages back.
    assert min(faults("keep") for _ in range(3)) < pages / 50
