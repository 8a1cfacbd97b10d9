"""A whole step of the library is the step of the second version in NumPy, values and gradients."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.maths.ntm import NTMState, ntm_step
from tests.maths import numpy_ntm, random_ntm
from tests.maths.numpy_ntm import Array, Sizes

VALUE_TOLERANCE = 1e-12
"""float64 rounds at 1e-16 of numbers of size 10; a step's rounding errors grow a few hundred times in three steps."""

DIFFERENCE = 1e-5
DIFFERENCE_TOLERANCE = 1e-7
"""Central differences err by DIFFERENCE**2 times a third derivative of some hundreds, and by rounding of 1e-11."""

BATCH, STEPS = 2, 3

EVERY_OPTION = [
    random_ntm.sizes(controller=controller, num_layers=layers, addressing=addressing, clip=clip, **heads)
    for (controller, layers), addressing, clip, heads in itertools.product(
        [("lstm", 1), ("lstm", 3), ("feedforward", 1)],
        ["content_and_location", "content"],
        [None, 20.0, 1.0],
        [
            {},
            {"read_heads": 2, "shift_range": 2},
            {"write_heads": 3, "shift_range": 0},
            {"read_heads": 3, "write_heads": 2},
        ],
    )
]


@pytest.mark.parametrize("size", EVERY_OPTION, ids=str)
def test_steps_equal_the_numpy_version_for_every_option(size: Sizes) -> None:
    assert_steps_equal(size, np.random.default_rng(1))


@pytest.mark.parametrize("seed", range(100))
def test_steps_equal_the_numpy_version_for_drawn_sizes(seed: int) -> None:
    generator = np.random.default_rng(seed)
    assert_steps_equal(random_ntm.drawn_sizes(generator), generator)


def assert_steps_equal(size: Sizes, generator: np.random.Generator) -> None:
    """Go some steps with both versions, each on from its own state, and compare all there is after each."""
    weights = random_ntm.drawn_weights(size, generator)
    theirs = [random_ntm.drawn_state(size, generator) for _ in range(BATCH)]
    ours = random_ntm.batch(theirs)
    for _ in range(STEPS):
        inputs = generator.normal(size=(BATCH, size.input_size))
        stepped = [numpy_ntm.step(weights, size, x, state) for x, state in zip(inputs, theirs, strict=True)]
        outputs, theirs = [output for output, _ in stepped], [state for _, state in stepped]
        output, ours = ntm_step(torch.tensor(inputs), ours, random_ntm.tensors(weights, size), random_ntm.options(size))
        assert_equal("output", output, np.stack(outputs))
        for field in NTMState._fields:
            assert_equal(field, getattr(ours, field), np.stack([getattr(state, field) for state in theirs]))


def assert_equal(name: str, ours: Tensor, theirs: Array) -> None:
    """Hold one result to the other version's, in shape and in every number."""
    assert ours.shape == theirs.shape, name
    assert ours.dtype == torch.float64, name
    assert np.abs(ours.numpy() - theirs).max(initial=0) <= VALUE_TOLERANCE, name


GRADIENT_OPTIONS = [
    random_ntm.sizes(memory_slots=5, memory_width=2, hidden_size=2, input_size=2, **changes)
    for changes in (
        {},
        {"num_layers": 2},
        {"controller": "feedforward"},
        {"addressing": "content"},
        {"controller": "feedforward", "addressing": "content", "clip": None},
        {"read_heads": 2, "write_heads": 2},
        {"shift_range": 2, "clip": None},
        {"shift_range": 0},
        {"clip": 1.0},
    )
]


@pytest.mark.parametrize("size", GRADIENT_OPTIONS, ids=str)
def test_gradients_equal_finite_differences_of_the_numpy_version(size: Sizes) -> None:
    generator = np.random.default_rng(2)
    weights, state = random_ntm.drawn_weights(size, generator), random_ntm.drawn_state(size, generator)
    inputs = generator.normal(size=(2, size.input_size))
    taste_of_outputs = generator.normal(size=(2, size.output_size))
    taste_of_state = [generator.normal(size=getattr(state, field).shape) for field in NTMState._fields]

    def their_score() -> float:
        after, outputs = state, []
        for x in inputs:
            output, after = numpy_ntm.step(weights, size, x, after)
            outputs.append(output)
        ends = [getattr(after, field) for field in NTMState._fields]
        tasted = [np.sum(end * taste) for end, taste in zip(ends, taste_of_state, strict=True)]
        return float(np.sum(outputs * taste_of_outputs) + sum(tasted))

    our_inputs, our_state, our_weights = (
        torch.tensor(inputs),
        random_ntm.batch([state]),
        random_ntm.tensors(weights, size),
    )
    leaves = [our_inputs, *our_state, *random_ntm.flattened(our_weights)]
    for leaf in leaves:
        leaf.requires_grad_()
    after, outputs = our_state, []
    for x in our_inputs:
        output, after = ntm_step(x[None], after, our_weights, random_ntm.options(size))
        outputs.append(output[0])
    our_score = (torch.stack(outputs) * torch.tensor(taste_of_outputs)).sum()
    our_score += sum((end[0] * torch.tensor(taste)).sum() for end, taste in zip(after, taste_of_state, strict=True))
    assert abs(our_score.item() - their_score()) <= VALUE_TOLERANCE * 10

    slopes = torch.autograd.grad(our_score, leaves, allow_unused=True, materialize_grads=True)
    slopes_of_weights = random_ntm.arrays_of(random_ntm.rebuilt(slopes[7:], our_weights), size)
    ours = [slopes[0].numpy(), *(slope[0].numpy() for slope in slopes[1:7]), *slopes_of_weights]
    theirs = [inputs, *(getattr(state, field) for field in NTMState._fields), *random_ntm.arrays(weights)]
    for slope, array in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(slope, differences(their_score, array), rtol=0, atol=DIFFERENCE_TOLERANCE)


def differences(score: Callable[[], float], array: Array) -> Array:
    """The score's slope in every number of an array, by central differences."""
    slope = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + DIFFERENCE
        above = score()
        array[place] = kept - DIFFERENCE
        below = score()
        array[place] = kept
        slope[place] = (above - below) / (2 * DIFFERENCE)
    return slope
