"""What must hold of a Differentiable Neural Computer's state whatever its weights."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.maths.dnc import DNCState, dnc_step
from tests.maths import random_dnc

pytestmark = pytest.mark.reliability(4)

CASES, STEPS, BATCH = 500, 6, 2

ROUNDING = {torch.float32: 1e-5, torch.float64: 1e-13}
"""Sums of at most 11 slots over six steps: a few roundings of 6e-8 and 1e-16; a hundred times that."""


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("scale", [1.5, *(pytest.param(scale, marks=pytest.mark.slow) for scale in (0.1, 30.0, 1e4))])
def test_a_state_stays_one(scale: float, dtype: torch.dtype, record_property: Any) -> None:
    """From the first state on; a scale of 1e4 makes every gate saturate one way or the other."""
    record_property("cases", CASES // 4)
    for seed in range(CASES // 4):
        generator = np.random.default_rng([seed, round(10 * scale)])
        size = random_dnc.drawn_sizes(generator)
        weights = random_dnc.tensors(random_dnc.drawn_weights(size, generator, scale), size, dtype)
        state = random_dnc.batch([random_dnc.initial_state(size)] * BATCH, dtype)
        for _ in range(STEPS):
            inputs = torch.tensor(generator.normal(size=(BATCH, size.input_size)), dtype=dtype)
            output, after = dnc_step(inputs, state, weights, random_dnc.options(size))
            assert all(tensor.isfinite().all() for tensor in (output, *after))
            assert size.clip is None or (output.abs() <= size.clip).all()
            assert_usage(state, after)
            assert_part_of_one(after.read_weightings)
            assert_part_of_one(after.write_weightings)
            assert_part_of_one(after.precedence)
            assert_links(after.links)
            state = after


def assert_usage(before: DNCState, after: DNCState) -> None:
    """In [0, 1], and no more than what was used or written before: freeing only takes away."""
    assert (after.usage >= 0).all()
    most = 1 - (1 - before.usage) * (1 - before.write_weightings).prod(-2)
    assert (after.usage <= most + ROUNDING[most.dtype]).all()


def assert_part_of_one(weightings: Tensor) -> None:
    """The paper's weightings: no weight below 0, and a sum of at most 1; the rest of the weight goes nowhere."""
    rounding = ROUNDING[weightings.dtype]
    assert (weightings >= -rounding).all()
    assert (weightings.sum(-1) <= 1 + rounding).all()


def assert_links(links: Tensor) -> None:
    """Each row and each column is a weighting, and no slot is linked to itself."""
    assert_part_of_one(links)
    assert_part_of_one(links.transpose(-1, -2))
    assert (links.diagonal(dim1=-2, dim2=-1) == 0).all()
