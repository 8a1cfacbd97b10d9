"""The gradient written out by hand is autograd's gradient of the reference."""

import pytest
import torch

from tapehead.kernels.ntm_scan import by_hand, reference
from tapehead.maths.ntm import NTMState
from tests.kernels import drawn

EQUAL = 1e-12  # float64, some hundred steps of rounding


@pytest.mark.parametrize("seed", range(40))
def test_the_way_back_by_hand_is_the_one_that_autograd_takes(seed: int) -> None:
    given = drawn.scan(seed, work=1e5)
    leaves = [tensor.requires_grad_() for tensor in given.tensors]
    outputs, state, _ = reference.scan(given.inputs, given.state, given.lengths, given.weights, given.options, False)
    asked = [torch.randn_like(tensor) for tensor in (outputs, *state)]
    loss = sum((tensor * weight).sum() for tensor, weight in zip((outputs, *state), asked, strict=True))
    expected = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    with torch.no_grad():
        by_hand_outputs, by_hand_state, steps = by_hand.forward(
            given.inputs, given.state, given.lengths, given.weights, given.options
        )
        found = by_hand.backward(steps, asked[0], NTMState(*asked[1:]), given.weights, given.options)
    assert drawn.distance([by_hand_outputs, *by_hand_state], [outputs, *state]) <= EQUAL
    weights = [*(tensor for layer in found.weights.controller for tensor in layer), *found.weights[1:]]
    assert drawn.distance([found.inputs, *found.state, *weights], expected) <= EQUAL
