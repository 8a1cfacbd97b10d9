"""The scan over a sequence is its steps, one after the other, for as long as each sequence lasts."""

import numpy as np
import pytest
import torch

from tapehead.kernels._backend import Problem, Unsupported, choose
from tapehead.kernels.ntm_scan import REFUSALS, ntm_scan
from tapehead.maths.ntm import NTMState, ntm_step
from tests.maths import machines

T, B = 5, 3


class Case:
    """A drawn machine, in float64, with inputs and a state for a batch."""

    def __init__(self, seed: int, **changes: object) -> None:
        generator = np.random.default_rng(seed)
        self.size = machines.sizes(**changes) if changes else machines.drawn_sizes(generator)
        self.options = machines.options(self.size)
        self.weights = machines.tensors(machines.drawn_weights(self.size, generator), self.size)
        self.state = machines.batch([machines.drawn_state(self.size, generator) for _ in range(B)])
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


@SEEDS
def test_after_its_length_a_sequence_stands_still(seed: int) -> None:
    case = Case(seed)
    lengths = torch.tensor([T, seed % T, 0])
    result = ntm_scan(
        case.inputs, case.state, case.weights, case.options, lengths=lengths, keep_states=True, backend="reference"
    )
    whole = ntm_scan(case.inputs, case.state, case.weights, case.options, keep_states=True, backend="reference")
    for b, length in enumerate(lengths.tolist()):
        assert torch.equal(result.outputs[:length, b], whole.outputs[:length, b])
        assert (result.outputs[length:, b] == 0).all()
        for before, kept, unbounded, last in zip(case.state, result.states, whole.states, result.state, strict=True):
            assert torch.equal(kept[:length, b], unbounded[:length, b])
            end = unbounded[length - 1, b] if length else before[b]
            assert torch.equal(kept[length:, b], end.expand_as(kept[length:, b]))
            assert torch.equal(last[b], end)


def test_padding_gets_no_gradient_and_gives_none() -> None:
    case = Case(0)
    inputs = case.inputs.clone()
    inputs[2:, 1] = inputs[:, 2] = torch.nan
    lengths = torch.tensor([T, 2, 0])
    gradients = []
    for padded in (case.inputs, inputs):
        leaves = [padded.requires_grad_(), *(leaf.requires_grad_() for leaf in machines.flattened(case.weights))]
        result = ntm_scan(padded, case.state, case.weights, case.options, lengths=lengths, backend="reference")
        total = result.outputs.sum() + sum(tensor.sum() for tensor in result.state)
        gradients.append(torch.autograd.grad(total, leaves))
        assert (gradients[-1][0][2:, 1] == 0).all()
        assert (gradients[-1][0][:, 2] == 0).all()
    for clean, dirty in zip(*gradients, strict=True):
        assert torch.equal(clean, dirty)


def test_states_are_kept_only_where_asked_for() -> None:
    case = Case(0)
    assert ntm_scan(case.inputs, case.state, case.weights, case.options).states is None


@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
@pytest.mark.parametrize("addressing", ["content_and_location", "content"])
def test_no_steps_return_the_state_as_it_was(controller: str, addressing: str) -> None:
    case = Case(0, controller=controller, addressing=addressing)
    result = ntm_scan(case.inputs[:0], case.state, case.weights, case.options, keep_states=True, backend="reference")
    assert result.outputs.shape == (0, B, case.size.output_size)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(result.state, case.state, strict=True))
    assert all(kept.shape == (0, *tensor.shape) for kept, tensor in zip(result.states, case.state, strict=True))


@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
@pytest.mark.parametrize("addressing", ["content_and_location", "content"])
def test_an_empty_batch_gives_an_empty_batch(controller: str, addressing: str) -> None:
    case = Case(0, controller=controller, addressing=addressing)
    nobody = NTMState(*(tensor[:0] for tensor in case.state))
    result = ntm_scan(case.inputs[:, :0], nobody, case.weights, case.options, keep_states=True, backend="reference")
    assert result.outputs.shape == (T, 0, case.size.output_size)
    assert all(ours.shape == theirs.shape for ours, theirs in zip(result.state, nobody, strict=True))


def test_auto_takes_the_first_backend_that_does_not_refuse() -> None:
    problem = Problem(torch.device("cpu"), torch.float32)
    refusals = {"fast": lambda _: "it is Sunday", "slow": lambda _: None}
    assert choose("auto", problem, refusals) == "slow"


def test_a_backend_asked_for_by_name_runs_or_says_why_not() -> None:
    problem = Problem(torch.device("cpu"), torch.float32)
    refusals = {"fast": lambda _: "it is Sunday", "slow": lambda _: None}
    assert choose("slow", problem, refusals) == "slow"
    with pytest.raises(Unsupported, match="fast.*it is Sunday"):
        choose("fast", problem, refusals)


def test_the_reference_comes_last_and_refuses_nothing() -> None:
    assert list(REFUSALS)[-1] == "reference"
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        assert REFUSALS["reference"](Problem(torch.device("cpu"), dtype)) is None
