"""The scan over a sequence is its steps, one after the other; what else it promises: test_conformance_*.py."""

import numpy as np
import pytest
import torch

from tapehead.kernels.ntm_scan import ntm_scan
from tapehead.maths.ntm import NTMState, ntm_step
from tests.maths import random_ntm

T, B = 5, 3


class Case:
    """A drawn machine, in float64, with inputs and a state for a batch."""

    def __init__(self, seed: int, **changes: object) -> None:
        generator = np.random.default_rng(seed)
        self.size = random_ntm.sizes(**changes) if changes else random_ntm.drawn_sizes(generator)
        self.options = random_ntm.options(self.size)
        self.weights = random_ntm.tensors(random_ntm.drawn_weights(self.size, generator), self.size)
        self.state = random_ntm.batch([random_ntm.drawn_state(self.size, generator) for _ in range(B)])
        self.inputs = torch.tensor(generator.normal(size=(T, B, self.size.input_size)))


SEEDS = pytest.mark.parametrize("seed", range(12))


@SEEDS
def test_a_scan_is_its_steps(seed: int) -> None:
    case = Case(seed)
    result = ntm_scan(case.inputs, case.state, case.weights, case.options, keep_states=True, backend="reference")
    state = case.state
    for step in range(T):
        output, state = ntm_step(case.inputs[step], state, case.weights, case.options)
        assert torch.equal(result.outputs[step], output)
        for field in NTMState._fields:
            assert torch.equal(getattr(result.states, field)[step], getattr(state, field)), field
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(result.state, state, strict=True))
