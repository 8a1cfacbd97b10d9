"""Reading from the memory and writing to it: against NumPy, and in words."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.maths.memory import read, write
from tests.maths import numpy_ntm

TOLERANCE = 1e-13  # float64, one equation: a few roundings of numbers below 10
SLOTS, WIDTH = 4, 3


def slot(place: int) -> Tensor:
    """All the weight on one slot, (1, N)."""
    return torch.eye(SLOTS, dtype=torch.float64)[place][None]


def row(number: float) -> Tensor:
    """A row with the same number everywhere, (1, W)."""
    return torch.full((1, WIDTH), number, dtype=torch.float64)


@pytest.fixture
def memory() -> Tensor:
    return torch.randn(1, SLOTS, WIDTH, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("seed", range(20))
def test_read_equals_numpy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    B, R, N, W = generator.integers(1, 6, 4)
    memory, weighting = generator.normal(size=(B, N, W)), generator.dirichlet(np.ones(N), (B, R))
    expected = [[numpy_ntm.read(memory[b], weighting[b, r]) for r in range(R)] for b in range(B)]
    np.testing.assert_allclose(read(torch.tensor(memory), torch.tensor(weighting)), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(20))
def test_write_equals_numpy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    B, N, W = generator.integers(1, 6, 3)
    memory, weighting = generator.normal(size=(B, N, W)), generator.dirichlet(np.ones(N), B)
    erase, add = generator.uniform(size=(B, W)), generator.normal(size=(B, W))
    expected = [numpy_ntm.written(memory[b], weighting[b], erase[b], add[b]) for b in range(B)]
    ours = write(*(torch.tensor(array) for array in (memory, weighting, erase, add)))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE)


def test_a_head_on_one_slot_reads_that_slot(memory: Tensor) -> None:
    assert torch.equal(read(memory, slot(2)[:, None]), memory[:, 2:3])


def test_a_head_on_two_slots_reads_their_mean(memory: Tensor) -> None:
    halves = (slot(0) + slot(3)) / 2
    torch.testing.assert_close(read(memory, halves[:, None])[0, 0], (memory[0, 0] + memory[0, 3]) / 2)


def test_full_erase_with_full_weight_clears_the_slot_and_no_other(memory: Tensor) -> None:
    after = write(memory, slot(1), erase=row(1), add=row(0))
    assert torch.equal(after[0, 1], torch.zeros(WIDTH, dtype=torch.float64))
    assert torch.equal(after[0, [0, 2, 3]], memory[0, [0, 2, 3]])


def test_full_erase_and_add_replaces_the_slot(memory: Tensor) -> None:
    assert torch.equal(write(memory, slot(1), erase=row(1), add=row(0.5))[0, 1], row(0.5)[0])


def test_adding_without_erasing_adds(memory: Tensor) -> None:
    after = write(memory, slot(1), erase=row(0), add=row(0.5))
    torch.testing.assert_close(after[0, 1], memory[0, 1] + 0.5, rtol=0, atol=TOLERANCE)


def test_a_slot_is_erased_as_far_as_it_is_weighted(memory: Tensor) -> None:
    after = write(memory, slot(1) / 4, erase=row(1), add=row(0))
    torch.testing.assert_close(after[0, 1], 0.75 * memory[0, 1], rtol=0, atol=TOLERANCE)


def test_a_weighting_of_nothing_writes_nothing(memory: Tensor) -> None:
    assert torch.equal(write(memory, slot(1) * 0, erase=row(1), add=row(1)), memory)


def test_writing_leaves_the_old_memory_as_it_was(memory: Tensor) -> None:
    kept = memory.clone()
    write(memory, slot(1), erase=row(1), add=row(1))
    assert torch.equal(memory, kept)
