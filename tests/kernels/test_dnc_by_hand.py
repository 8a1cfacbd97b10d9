"""The backward pass written by hand is autograd's, for every option, to rounding."""

from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.kernels.dnc_scan import by_hand, reference
from tapehead.maths.dnc import DNCState
from tests.maths import dnc_machines
from tests.maths.numpy_dnc import Sizes

TOLERANCE = 1e-12
"""float64; relative to the largest number where that is above 1."""


def results(backend: ModuleType, case: "Case") -> list[Tensor]:
    """Outputs, last state, states, and the gradient of a random score of all of them in everything."""
    leaves = [case.inputs, *case.state, *dnc_machines.flattened(case.weights)]
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    fields = len(DNCState._fields)
    state, weights = DNCState(*leaves[1 : 1 + fields]), dnc_machines.rebuilt(leaves[1 + fields :], case.weights)
    outputs, last, states = backend.scan(leaves[0], state, case.lengths, weights, case.options, case.keep_states)
    values = [outputs, *last, *(states or ())]
    generator = torch.Generator().manual_seed(0)
    score = sum((value * torch.randn(value.shape, generator=generator, dtype=torch.float64)).sum() for value in values)
    return [*values, *torch.autograd.grad(score, leaves, allow_unused=True, materialize_grads=True)]


class Case:
    """A drawn machine, in float64, with inputs and a state for a batch."""

    def __init__(self, size: Sizes, generator: np.random.Generator, T: int, B: int, keep_states: bool = False) -> None:
        self.options = dnc_machines.options(size)
        self.weights = dnc_machines.tensors(dnc_machines.drawn_weights(size, generator), size)
        drawn = [dnc_machines.drawn_state(size, generator) for _ in range(max(B, 1))]
        self.state = DNCState(*(tensor[:B] for tensor in dnc_machines.batch(drawn)))
        self.inputs = torch.tensor(generator.normal(size=(T, B, size.input_size)))
        self.lengths = torch.tensor(generator.integers(0, T + 1, B)) if generator.integers(2) else None
        self.keep_states = keep_states


def assert_same(case: Case) -> None:
    for ours, theirs in zip(results(by_hand, case), results(reference, case), strict=True):
        assert ours.shape == theirs.shape
        if ours.numel():
            assert (ours - theirs).abs().max() <= TOLERANCE * theirs.abs().max().clamp(min=1)


@pytest.mark.parametrize("seed", range(100))
def test_by_hand_equals_autograd(seed: int) -> None:
    generator = np.random.default_rng(seed)
    T, B = int(generator.integers(0, 12)), int(generator.integers(0, 4))
    assert_same(Case(dnc_machines.drawn_sizes(generator), generator, T, B, keep_states=bool(seed % 2)))


@pytest.mark.parametrize("name", dnc_machines.OPTIONS)
@pytest.mark.parametrize("heads", [(1, 1), (3, 2)])
def test_by_hand_equals_autograd_with_one_option(name: str, heads: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    size = dnc_machines.sizes(read_heads=heads[0], write_heads=heads[1], **{name: dnc_machines.OPTIONS[name]})
    assert_same(Case(size, generator, T=7, B=2))


def test_what_stands_in_the_padding_does_not_matter() -> None:
    case = Case(dnc_machines.sizes(), np.random.default_rng(0), T=4, B=2)
    case.lengths = torch.tensor([4, 2])
    clean = results(by_hand, case)
    case.inputs[2:, 1] = torch.nan
    for ours, theirs in zip(results(by_hand, case), clean, strict=True):
        assert torch.equal(ours, theirs)
