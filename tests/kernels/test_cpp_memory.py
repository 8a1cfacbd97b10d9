"""What a training step through a long sequence takes of the computer's memory."""

import re
from pathlib import Path

import pytest
import torch

from tapehead import DNC, NTM
from tests.kernels.cpp import NEEDS_LIBRARY
from tests.processes import elsewhere

pytestmark = NEEDS_LIBRARY

MEGABYTE = 2**20
MODELS: dict[str, type[NTM] | type[DNC]] = {"ntm": NTM, "dnc": DNC}
STATES = {"ntm": 128 * 20, "dnc": 128 * 20 + 128 * 128}
"""Numbers in the memory after a step, and in a DNC's links."""


def grown(name: str, steps: int, sequences: int) -> int:
    """Bytes that a training step of the copy task's model adds to the largest size of this process."""
    model = MODELS[name](9, 8, backend="cpp")
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


def train_on_a_long_batch(name: str) -> None:
    states = 2000 * 32 * STATES[name] * 4
    assert 0 < grown(name, 2000, 32) < 2 * states


def train_on_a_very_long_sequence(name: str) -> None:
    assert 0 < grown(name, 20_000, 1) < 1000 * MEGABYTE


@pytest.mark.parametrize("name", MODELS)
def test_a_long_batch_takes_less_than_twice_its_memory_states(name: str) -> None:
    elsewhere(train_on_a_long_batch, name)


@pytest.mark.parametrize("name", MODELS)
def test_a_sequence_of_20_000_steps_takes_less_than_a_gigabyte(name: str) -> None:
    elsewhere(train_on_a_very_long_sequence, name)
