"""Which precision is chosen, and that it is said why."""

import platform
from pathlib import Path

import pytest
import torch

from inkdigits.training import precision
from inkdigits.training.precision import PRECISIONS, choose_precision, has_bfloat16

CPU = torch.device("cpu")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="knows what processors of x86-64 tell")
@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="asks Linux")
def test_bfloat16_is_there_where_the_processor_tells_of_it():
    flags = Path("/proc/cpuinfo").read_text().split()
    assert has_bfloat16() == all(f"avx512{part}" in flags for part in ("bw", "vl", "dq"))


def test_without_bfloat16_nothing_is_timed(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)
    monkeypatch.setattr(precision, "_convolution_time", lambda *_: pytest.fail("it was timed"))
    chosen, sentence = choose_precision(CPU)
    assert chosen == "float32"
    assert sentence == "precision float32 (this processor has no bfloat16)"


@pytest.mark.parametrize("faster", PRECISIONS)
def test_the_faster_is_chosen(faster, monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    monkeypatch.setattr(
        precision, "_convolution_time", lambda _, name: 0.01 if name == faster else 0.02
    )
    chosen, sentence = choose_precision(CPU)
    assert chosen == faster
    assert f"{faster} 10.00 ms" in sentence


def test_a_close_call_falls_to_float32(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    monkeypatch.setattr(
        precision, "_convolution_time", lambda _, name: 0.0099 if name == "bfloat16" else 0.01
    )
    assert choose_precision(CPU)[0] == "float32"


def test_the_choice_leaves_torch_as_it_was():
    torch.manual_seed(7)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    chosen, _ = choose_precision(CPU)
    assert chosen in PRECISIONS
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
