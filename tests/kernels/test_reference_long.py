"""Ten thousand steps: no NaN and no infinity, in outputs, states and gradients.

The machines have random weights, from ones as a new model has them to large ones. The gradients are those of the whole
run, from the last step back to the first, with respect to the weights, the first state and the inputs. Those of large
weights are taken in float64, because the true ones may not fit into float32: with inputs of 1e4 of both signs, one of
these machines multiplies them by 1e93 in 10,000 steps.
"""

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.kernels.ntm_scan import ntm_scan
from tapehead.maths.ntm import NTMState
from tests.maths import random_ntm
from tests.maths.numpy_ntm import Sizes

pytestmark = pytest.mark.reliability(4)


def inputs_of(kind: str, steps: int, size: Sizes, generator: np.random.Generator) -> Tensor:
    """Random bits, the same constant 1e4 everywhere, or +-1e4 at random: (T, 1, I)."""
    shape = (steps, 1, size.input_size)
    bits = generator.integers(0, 2, shape)
    drawn = {"bits": bits, "huge": np.full(shape, 1e4), "huge of both signs": 1e4 * (2 * bits - 1)}
    return torch.tensor(drawn[kind], dtype=torch.float64)


def assert_stays_finite(steps: int, size: Sizes, scale: float, kind: str) -> None:
    generator, dtype = np.random.default_rng(0), torch.float32 if scale == 1.0 else torch.float64
    weights = random_ntm.tensors(random_ntm.drawn_weights(size, generator, scale), size, dtype)
    state = random_ntm.batch([random_ntm.drawn_state(size, generator)], dtype)
    inputs = inputs_of(kind, steps, size, generator).to(dtype)
    leaves = [leaf.requires_grad_() for leaf in (inputs, *state, *random_ntm.flattened(weights))]
    result = ntm_scan(inputs, state, weights, random_ntm.options(size), backend="reference")
    assert all(tensor.isfinite().all() for tensor in (result.outputs, *result.state))
    assert_distribution(result.state)
    score = result.outputs.mean() + sum(tensor.sum() for tensor in result.state)
    gradients = torch.autograd.grad(score, leaves, allow_unused=True, materialize_grads=True)
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any((gradient != 0).any() for gradient in gradients)


def assert_distribution(state: NTMState) -> None:
    for weightings in (state.read_weightings, state.write_weightings):
        assert (weightings >= 0).all()
        assert (weightings.sum(-1) - 1).abs().max() <= 1e-5  # float32 sums of seven slots


def machine(controller: str, num_layers: int, **changes: object) -> Sizes:
    return random_ntm.sizes(controller=controller, num_layers=num_layers, **changes)


SIZES_AND_SCALES = [
    (machine("lstm", 1), 1.0),
    (machine("lstm", 1, addressing="content", clip=None), 3.0),
    (machine("lstm", 2, clip=None, read_heads=2, write_heads=2), 3.0),
    (machine("lstm", 2, shift_range=0), 1.0),
    (machine("feedforward", 1, clip=None, shift_range=2), 3.0),
    (machine("feedforward", 1, addressing="content"), 1.0),
]
KINDS = ["bits", "huge", "huge of both signs"]


@pytest.mark.parametrize(("size", "scale"), SIZES_AND_SCALES, ids=str)
def test_hundreds_of_steps_stay_finite(size: Sizes, scale: float) -> None:
    assert_stays_finite(300, size, scale, KINDS[SIZES_AND_SCALES.index((size, scale)) % 3])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "scale"), SIZES_AND_SCALES, ids=str)
def test_ten_thousand_steps_stay_finite(size: Sizes, scale: float, kind: str) -> None:
    assert_stays_finite(10_000, size, scale, kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "scale"), SIZES_AND_SCALES, ids=str)
def test_ten_thousand_steps_stay_finite_in_float32_whatever_the_weights(size: Sizes, scale: float, kind: str) -> None:
    generator = np.random.default_rng(1)
    weights = random_ntm.tensors(random_ntm.drawn_weights(size, generator, 10 * scale), size, torch.float32)
    state = random_ntm.batch([random_ntm.drawn_state(size, generator)], torch.float32)
    with torch.no_grad():
        inputs = inputs_of(kind, 10_000, size, generator).float()
        result = ntm_scan(inputs, state, weights, random_ntm.options(size), backend="reference")
    assert all(tensor.isfinite().all() for tensor in (result.outputs, *result.state))
    assert_distribution(result.state)
