"""Content, interpolate, shift and sharpen: each equation against NumPy, and each meaning in words."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.maths.addressing import content, interpolate, sharpen, shift
from tests.maths import numpy_ntm

SEEDS = range(20)
TOLERANCE = 1e-13  # float64, one equation: a few roundings of numbers below 10


def vector(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def heads(*rows: Tensor) -> Tensor:
    """Lay rows, one a head, behind a batch axis of one."""
    return torch.stack(rows)[None]


def assert_close(ours: Tensor, theirs: object, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("seed", SEEDS)
def test_content_equals_numpy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    B, H, N, W = generator.integers(1, 6, 4)
    memory, key = generator.normal(size=(B, N, W)), generator.normal(size=(B, H, W))
    strength = generator.exponential(5, size=(B, H))
    expected = [[numpy_ntm.content_weighting(memory[b], key[b, h], strength[b, h]) for h in range(H)] for b in range(B)]
    assert_close(content(torch.tensor(memory), torch.tensor(key), torch.tensor(strength)), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_interpolate_equals_numpy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    B, H, N = generator.integers(1, 6, 3)
    new, old = generator.dirichlet(np.ones(N), (B, H)), generator.dirichlet(np.ones(N), (B, H))
    gate = generator.uniform(size=(B, H))
    expected = [[numpy_ntm.interpolated(new[b, h], old[b, h], gate[b, h]) for h in range(H)] for b in range(B)]
    assert_close(interpolate(torch.tensor(new), torch.tensor(old), torch.tensor(gate)), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_shift_equals_numpy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    B, H, shift_range = generator.integers(1, 6), generator.integers(1, 6), generator.integers(0, 5)
    S = 2 * shift_range + 1
    N = S + generator.integers(0, 6)
    weighting, shifts = generator.dirichlet(np.ones(N), (B, H)), generator.dirichlet(np.ones(S), (B, H))
    expected = [[numpy_ntm.shifted(weighting[b, h], shifts[b, h]) for h in range(H)] for b in range(B)]
    assert_close(shift(torch.tensor(weighting), torch.tensor(shifts)), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_sharpen_equals_numpy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    B, H, N = generator.integers(1, 6, 3)
    weighting, sharpening = generator.dirichlet(np.ones(N), (B, H)), 1 + generator.exponential(5, size=(B, H))
    expected = [[numpy_ntm.sharpened(weighting[b, h], sharpening[b, h]) for h in range(H)] for b in range(B)]
    assert_close(sharpen(torch.tensor(weighting), torch.tensor(sharpening)), expected)


def test_every_addressing_function_takes_more_batch_axes_or_none() -> None:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    memory, key, per_head = drawn(2, 3, 6, 4), drawn(2, 3, 5, 4), 1 + drawn(2, 3, 5)
    weighting, old, shifts = drawn(2, 3, 5, 6), drawn(2, 3, 5, 6), drawn(2, 3, 5, 3)
    for function, arguments in [
        (content, (memory, key, per_head)),
        (interpolate, (weighting, old, per_head - 1)),
        (shift, (weighting, shifts)),
        (sharpen, (weighting, per_head)),
    ]:
        whole = function(*arguments)
        for a in range(2):
            for b in range(3):
                alone = function(*(argument[a, b] for argument in arguments))
                torch.testing.assert_close(alone, whole[a, b], rtol=0, atol=TOLERANCE)


def test_a_strong_key_finds_the_slot_that_looks_like_it() -> None:
    memory = torch.eye(3, dtype=torch.float64)[None]
    weighting = content(memory, heads(vector(0, 2, 0)), vector(100)[None])
    assert_close(weighting, [[[0, 1, 0]]])


def test_only_the_direction_of_a_row_counts_not_its_length() -> None:
    memory = heads(vector(1, 1), vector(1, -1))
    key, strength = heads(vector(0.3, 0.1)), vector(3)[None]
    assert_close(content(memory * 1e5, key, strength), content(memory, key, strength))
    assert_close(content(memory, key * 1e-5, strength), content(memory, key, strength))


def test_a_strength_of_zero_looks_everywhere_alike() -> None:
    memory = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert_close(content(memory, memory[:, :1], vector(0)[None]), [[[0.25] * 4]])


def test_a_zero_row_has_cosine_zero() -> None:
    memory, key = heads(vector(0, 0), vector(1, 0)), heads(vector(1, 0))
    assert_close(content(memory, key, vector(2)[None]), [[[1 / (1 + math.e**2), 1 / (1 + math.e**-2)]]])


def test_a_zero_key_looks_everywhere_alike() -> None:
    memory = heads(vector(5, 1), vector(-2, 3))
    assert_close(content(memory, heads(vector(0, 0)), vector(30)[None]), [[[0.5, 0.5]]])


def test_a_row_shorter_than_the_floor_counts_by_its_share_of_it() -> None:
    memory, key = heads(vector(0.5e-8, 0), vector(0, 1)), heads(vector(1, 0))
    assert_close(content(memory, key, vector(1)[None]), [[[math.sqrt(math.e) / (math.sqrt(math.e) + 1),
                                                            1 / (math.sqrt(math.e) + 1)]]])  # fmt: skip


def test_each_head_has_its_own_key() -> None:
    memory = torch.eye(2, dtype=torch.float64)[None]
    weighting = content(memory, heads(vector(1, 0), vector(0, 1)), vector(100, 100)[None])
    assert_close(weighting, [[[1, 0], [0, 1]]])


def test_a_gate_of_zero_keeps_the_last_weighting() -> None:
    new, old = heads(vector(0.1, 0.9)), heads(vector(0.7, 0.3))
    assert torch.equal(interpolate(new, old, vector(0)[None]), old)


def test_a_gate_of_one_takes_the_content_weighting() -> None:
    new, old = heads(vector(0.1, 0.9)), heads(vector(0.7, 0.3))
    assert torch.equal(interpolate(new, old, vector(1)[None]), new)


def test_a_gate_in_between_mixes_the_two() -> None:
    assert_close(interpolate(heads(vector(0, 1)), heads(vector(1, 0)), vector(0.25)[None]), [[[0.75, 0.25]]])


def test_a_shift_by_plus_one_moves_the_focus_to_the_next_slot() -> None:
    assert torch.equal(shift(heads(vector(0, 1, 0, 0)), heads(vector(0, 0, 1))), heads(vector(0, 0, 1, 0)))


def test_a_shift_by_minus_one_moves_the_focus_to_the_slot_before() -> None:
    assert torch.equal(shift(heads(vector(0, 1, 0, 0)), heads(vector(1, 0, 0))), heads(vector(1, 0, 0, 0)))


def test_a_shift_by_zero_moves_nothing() -> None:
    weighting = heads(vector(0.1, 0.2, 0.3, 0.4))
    assert torch.equal(shift(weighting, heads(vector(0, 1, 0))), weighting)


def test_the_tape_is_a_circle() -> None:
    first, last = heads(vector(1, 0, 0, 0)), heads(vector(0, 0, 0, 1))
    assert torch.equal(shift(last, heads(vector(0, 0, 1))), first)
    assert torch.equal(shift(first, heads(vector(1, 0, 0))), last)


def test_a_shift_of_two_jumps_over_a_slot() -> None:
    assert torch.equal(shift(heads(vector(0, 0, 0, 1, 0)), heads(vector(0, 0, 0, 0, 1))), heads(vector(1, 0, 0, 0, 0)))


def test_a_divided_shift_blurs_the_focus() -> None:
    assert_close(shift(heads(vector(0, 1, 0, 0)), heads(vector(0.2, 0.5, 0.3))), [[[0.2, 0.5, 0.3, 0]]])


def test_a_shift_range_of_zero_leaves_the_weighting_alone() -> None:
    weighting = heads(vector(0.1, 0.2, 0.7))
    assert torch.equal(shift(weighting, heads(vector(1))), weighting)


def test_a_shift_may_reach_every_slot_of_the_tape() -> None:
    weighting = heads(vector(1, 0, 0))
    assert torch.equal(shift(weighting, heads(vector(0.2, 0.5, 0.3))), heads(vector(0.5, 0.3, 0.2)))


def test_a_sharpening_of_one_changes_nothing() -> None:
    weighting = heads(vector(0.1, 0.2, 0.3, 0.4))
    assert_close(sharpen(weighting, vector(1)[None]), weighting)


def test_sharpening_leaves_a_weighting_of_one_slot_alone() -> None:
    weighting = heads(vector(0, 1, 0))
    for sharpening in (1.0, 2.0, 40.0, 1e4):
        assert_close(sharpen(weighting, vector(sharpening)[None]), weighting, tolerance=1e-300)


def test_a_sharpening_of_two_squares() -> None:
    assert_close(sharpen(heads(vector(0.2, 0.8)), vector(2)[None]), [[[0.04 / 0.68, 0.64 / 0.68]]])


def test_a_great_sharpening_leaves_only_the_greatest_slot() -> None:
    assert_close(sharpen(heads(vector(0.3, 0.4, 0.3)), vector(1e4)[None]), [[[0, 1, 0]]])


def test_sharpening_makes_a_weighting_sum_to_one() -> None:
    assert_close(sharpen(heads(vector(0.2, 0.4)), vector(1)[None]), [[[1 / 3, 2 / 3]]])


def test_an_all_zero_weighting_is_sharpened_to_the_uniform_one() -> None:
    assert_close(sharpen(heads(vector(0, 0, 0, 0)), vector(3)[None]), [[[0.25] * 4]])
