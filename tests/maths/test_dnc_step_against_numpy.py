"""A whole step of the library's DNC is the step of the second version in NumPy, values and gradients."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.maths.dnc import DNCState, dnc_step
from tests.maths import numpy_dnc, random_dnc
from tests.maths.numpy_dnc import Array, Sizes
from tests.maths.test_step_against_numpy import differences

VALUE_TOLERANCE = 1e-12
"""float64 rounds at 1e-16 of numbers of size 10; a step's rounding errors grow a few hundred times in three steps."""

DIFFERENCE_TOLERANCE = 1e-6
"""Differences of 1e-5 err by its square times a third derivative, of up to thousands where sharp powers are taken."""

BATCH, STEPS = 2, 3

EVERY_OPTION = [
    random_dnc.sizes(controller=controller, num_layers=layers, clip=clip, **heads, **dict(zip(names, on, strict=True)))
    for (controller, layers), clip, heads in [
        (("lstm", 1), 20.0, {}),
        (("lstm", 3), None, {"read_heads": 3}),
        (("feedforward", 1), 1.0, {"write_heads": 3}),
        (("feedforward", 1), 20.0, {"read_heads": 2, "write_heads": 2}),
    ]
    for names in [list(random_dnc.OPTIONS)]
    for on in itertools.product([False, True], [False, True], [False, True], [None, 3])
]


@pytest.mark.parametrize("size", EVERY_OPTION, ids=str)
def test_steps_equal_the_numpy_version_for_every_option(size: Sizes) -> None:
    assert_steps_equal(size, np.random.default_rng(1), from_start=False)


@pytest.mark.parametrize("from_start", [False, True])
@pytest.mark.parametrize("seed", range(100))
def test_steps_equal_the_numpy_version_for_drawn_sizes(seed: int, from_start: bool) -> None:
    generator = np.random.default_rng(seed)
    assert_steps_equal(random_dnc.drawn_sizes(generator), generator, from_start)


def assert_steps_equal(size: Sizes, generator: np.random.Generator, from_start: bool) -> None:
    """Go some steps with both versions, each on from its own state, and compare all there is after each."""
    weights = random_dnc.drawn_weights(size, generator)
    theirs = [
        random_dnc.initial_state(size) if from_start else random_dnc.drawn_state(size, generator) for _ in range(BATCH)
    ]
    ours = random_dnc.batch(theirs)
    tensors, options = random_dnc.tensors(weights, size), random_dnc.options(size)
    for _ in range(STEPS):
        inputs = generator.normal(size=(BATCH, size.input_size))
        stepped = [numpy_dnc.step(weights, size, x, state) for x, state in zip(inputs, theirs, strict=True)]
        outputs, theirs = [output for output, _ in stepped], [state for _, state in stepped]
        output, ours = dnc_step(torch.tensor(inputs), ours, tensors, options)
        assert_equal("output", output, np.stack(outputs))
        for field in DNCState._fields:
            assert_equal(field, getattr(ours, field), np.stack([getattr(state, field) for state in theirs]))


def assert_equal(name: str, ours: Tensor, theirs: Array) -> None:
    """Hold one result to the other version's, in shape and in every number."""
    assert ours.shape == theirs.shape, name
    assert ours.dtype == torch.float64, name
    assert np.abs(ours.numpy() - theirs).max(initial=0) <= VALUE_TOLERANCE, name


def test_the_interface_has_as_many_numbers_as_the_paper_says() -> None:
    for read_heads, width in itertools.product([1, 2, 5], [1, 4]):
        size = random_dnc.sizes(read_heads=read_heads, memory_width=width)
        expected = width * read_heads + 3 * width + 5 * read_heads + 3
        assert sum(random_dnc.options(size).interface_sizes) == size.interface_outputs == expected


GRADIENT_OPTIONS = [
    random_dnc.sizes(memory_slots=5, memory_width=2, hidden_size=2, input_size=2, **changes)
    for changes in (
        {},
        {"num_layers": 2},
        {"controller": "feedforward", "clip": None},
        {"clip": 1.0},
        {"read_heads": 2, "write_heads": 2},
        {"masked_content": True},
        {"deallocate": True},
        {"sharpen_links": True},
        {"sparse_links": 2},
        {"read_heads": 2, "write_heads": 2, **random_dnc.OPTIONS},
    )
]


@pytest.mark.parametrize("size", GRADIENT_OPTIONS, ids=str)
def test_gradients_equal_finite_differences_of_the_numpy_version(size: Sizes) -> None:
    generator = np.random.default_rng(2)
    weights, state = random_dnc.drawn_weights(size, generator), random_dnc.drawn_state(size, generator)
    inputs = generator.normal(size=(2, size.input_size))
    taste_of_outputs = generator.normal(size=(2, size.output_size))
    taste_of_state = [generator.normal(size=getattr(state, field).shape) for field in DNCState._fields]

    def their_score() -> float:
        after, outputs = state, []
        for x in inputs:
            output, after = numpy_dnc.step(weights, size, x, after)
            outputs.append(output)
        ends = [getattr(after, field) for field in DNCState._fields]
        tasted = [np.sum(end * taste) for end, taste in zip(ends, taste_of_state, strict=True)]
        return float(np.sum(outputs * taste_of_outputs) + sum(tasted))

    our_inputs, our_state = torch.tensor(inputs), random_dnc.batch([state])
    our_weights = random_dnc.tensors(weights, size)
    leaves = [our_inputs, *our_state, *random_dnc.flattened(our_weights)]
    for leaf in leaves:
        leaf.requires_grad_()
    after, outputs = our_state, []
    for x in our_inputs:
        output, after = dnc_step(x[None], after, our_weights, random_dnc.options(size))
        outputs.append(output[0])
    our_score = (torch.stack(outputs) * torch.tensor(taste_of_outputs)).sum()
    our_score += sum((end[0] * torch.tensor(taste)).sum() for end, taste in zip(after, taste_of_state, strict=True))
    assert abs(our_score.item() - their_score()) <= VALUE_TOLERANCE * 10

    fields = len(DNCState._fields)
    slopes = torch.autograd.grad(our_score, leaves, allow_unused=True, materialize_grads=True)
    slopes_of_weights = random_dnc.arrays_of(random_dnc.rebuilt(slopes[1 + fields :], our_weights), size)
    ours = [slopes[0].numpy(), *(slope[0].numpy() for slope in slopes[1 : 1 + fields]), *slopes_of_weights]
    theirs = [inputs, *(getattr(state, field) for field in DNCState._fields), *random_dnc.arrays(weights)]
    for slope, array in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(slope, differences(their_score, array), rtol=0, atol=DIFFERENCE_TOLERANCE)
