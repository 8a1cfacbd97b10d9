"""What a training step through a long sequence takes of the machine's memory."""

import re
from pathlib import Path

import pytest
import torch

from tapehead import NTM
from tapehead.kernels import _native
from tests.processes import elsewhere

pytestmark = pytest.mark.skipif(_native.MISSING is not None, reason=str(_native.MISSING))

MEGABYTE = 2**20


def grown(steps: int, sequences: int) -> int:
    """Bytes that a training step of the copy task's machine adds to the largest size of this process."""
    model = NTM(9, 8, backend="cpu")
    inputs = torch.rand(steps, sequences, 9)
    model(inputs[:2])[0].sum().backward()
    before = largest_size()
    model(inputs)[0].sum().backward()
    return largest_size() - before


def largest_size() -> int:
    """How many bytes this process had at its largest."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


def train_on_a_long_batch() -> None:
    memory_states = 2000 * 32 * 128 * 20 * 4
    assert 0 < grown(2000, 32) < 2 * memory_states


def train_on_a_very_long_sequence() -> None:
    assert 0 < grown(20_000, 1) < 1000 * MEGABYTE


def test_a_long_batch_takes_less_than_twice_its_memory_states() -> None:
    elsewhere(train_on_a_long_batch)


def test_a_sequence_of_20_000_steps_takes_less_than_a_gigabyte() -> None:
    elsewhere(train_on_a_very_long_sequence)
