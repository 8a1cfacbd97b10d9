"""What must hold of every weighting whatever the model's weights: it is >= 0 and sums to 1."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.maths.ntm import NTMState, ntm_step
from tests.maths import random_ntm

pytestmark = pytest.mark.reliability(4)

CASES, STEPS, BATCH = 500, 4, 3

SUM_TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-13}
"""A softmax of at most 15 slots: a few roundings of 6e-8 and 1e-16; a hundred times that catches every wrong one."""


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("scale", [0.1, 1.5, 30.0, 1e4])
def test_weightings_stay_distributions(scale: float, dtype: torch.dtype, record_property: Any) -> None:
    """A scale of 1e4 makes every head parameter saturate one way or the other."""
    record_property("cases", CASES // 4)
    for seed in range(CASES // 4):
        generator = np.random.default_rng([seed, round(10 * scale)])
        size = random_ntm.drawn_sizes(generator)
        weights = random_ntm.tensors(random_ntm.drawn_weights(size, generator, scale), size, dtype)
        state = random_ntm.batch([random_ntm.drawn_state(size, generator) for _ in range(BATCH)], dtype)
        for _ in range(STEPS):
            inputs = torch.tensor(generator.normal(size=(BATCH, size.input_size)), dtype=dtype)
            output, state = ntm_step(inputs, state, weights, random_ntm.options(size))
            assert_distributions(state.read_weightings)
            assert_distributions(state.write_weightings)
            assert_in_range(output, state, size.clip)


def assert_distributions(weightings: Tensor) -> None:
    assert weightings.isfinite().all()
    assert (weightings >= 0).all()
    assert ((weightings.sum(-1) - 1).abs() <= SUM_TOLERANCE[weightings.dtype]).all()


def assert_in_range(output: Tensor, state: NTMState, clip: float | None) -> None:
    """The other ranges that SPEC's formulas imply: units in (-1, 1), outputs within the clip, all finite."""
    assert all(tensor.isfinite().all() for tensor in (output, *state))
    assert (state.hidden.abs() <= 1).all()
    assert clip is None or (output.abs() <= clip).all()
