"""Resets: a sequence that begins anew in the middle is two sequences, to outputs, states and gradients."""

from typing import Any

import jaxtyping
import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

import tapehead
from tapehead import map_state
from tapehead.models import Model
from tests.processes import elsewhere
from tests.small_models import KINDS, MEMORY_KINDS, drawn_inputs, made

T, B = 7, 4

RESETS = torch.zeros(T, B, dtype=torch.bool)
RESETS[3, 0] = RESETS[0, 1] = RESETS[1, 1] = RESETS[2, 1] = RESETS[6, 1] = RESETS[0, 2] = True
"""One in the middle; at the beginning, one step after another, and at the end; at the beginning alone; none."""
LENGTHS = [7, 6, 0, 3]

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off the checks that only the tests put into the signatures."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def passed_state(model: Model, count: int, **slots: int) -> Any:
    """A state in the middle of something, with gradients."""
    _, state = model(drawn_inputs(3, count, seed=5), model.initial_state(count, **slots))
    return map_state(lambda tensor: tensor.detach().clone().requires_grad_(), state)


def run_step_by_step(model: Model, inputs: torch.Tensor, state: Any, lengths: list[int]) -> tuple[Any, Any, Any]:
    """What `resets` stands for: each sequence alone, step after step, by the initial state where it is reset."""
    outputs, lasts, states = [], [], []
    for sequence, length in enumerate(lengths):
        now = type(state)(*(tensor[sequence : sequence + 1] for tensor in state))
        own_outputs, own_states = [], []
        for time in range(T):
            if time < length:
                if RESETS[time, sequence]:
                    now = model.cell.expand_like(now, 1)
                output, now = model(inputs[time : time + 1, sequence : sequence + 1], now)
            else:
                output = torch.zeros_like(own_outputs[0] if own_outputs else model(inputs[:1, :1])[0])
            own_outputs.append(output)
            own_states.append(now)
        outputs.append(torch.cat(own_outputs))
        lasts.append(now)
        states.append([torch.stack(tensors) for tensors in zip(*own_states, strict=True)])
    last = [torch.cat(tensors) for tensors in zip(*lasts, strict=True)]
    return torch.cat(outputs, dim=1), last, [torch.cat(tensors, dim=1) for tensors in zip(*states, strict=True)]


def gradients(model: Model, outputs: torch.Tensor, last: Any, given: Any) -> list[torch.Tensor]:
    """Of a number that depends on every output and on the last state."""
    number = (outputs * torch.linspace(-1, 1, outputs.numel(), dtype=torch.float64).view_as(outputs)).sum()
    number = number + sum((tensor**2).sum() for tensor in last)
    wanted = [*model.parameters(), *given]
    found = torch.autograd.grad(number, wanted, allow_unused=True)
    return [torch.zeros_like(one) if own is None else own for one, own in zip(wanted, found, strict=True)]


@every_kind
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_outputs_states_and_gradients_are_those_of_sequences_of_their_own(kind: str, lengths: list[int] | None) -> None:
    model, inputs = made(kind), drawn_inputs(T, B).requires_grad_()
    state = passed_state(model, B)
    outputs, last = model(inputs, state, lengths=lengths, resets=RESETS)
    expected, expected_last, expected_states = run_step_by_step(model, inputs, state, lengths or [T] * B)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(list(last), expected_last)
    for ours, theirs in zip(
        gradients(model, outputs, last, [inputs, *state]),
        gradients(model, expected, expected_last, [inputs, *state]),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    trace = model.trace(inputs, state, lengths=lengths, resets=RESETS)
    torch.testing.assert_close(list(trace.states), [tensor.detach() for tensor in expected_states])


@every_kind
def test_without_a_state_every_segment_begins_as_a_sequence_does(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    outputs, _ = model(inputs, resets=RESETS)
    torch.testing.assert_close(outputs[3:, 0], model(inputs[3:, :1])[0][:, 0])
    torch.testing.assert_close(outputs[:, 2:], model(inputs[:, 2:])[0])


@every_kind
def test_resets_are_laid_out_as_the_inputs(kind: str) -> None:
    inputs = drawn_inputs(T, B)
    expected, last = made(kind)(inputs, resets=RESETS)
    swapped, same = made(kind, batch_first=True)(inputs.transpose(0, 1), resets=RESETS.T)
    torch.testing.assert_close(swapped.transpose(0, 1), expected)
    torch.testing.assert_close(tuple(same), tuple(last))
    alone, state = made(kind)(inputs[:, 1], resets=RESETS[:, 1])
    torch.testing.assert_close(alone, expected[:, 1])
    torch.testing.assert_close(tuple(state), tuple(tensor[1] for tensor in last))


@every_kind
def test_no_resets_change_nothing_bit_for_bit(kind: str) -> None:
    model, inputs = made(kind, dtype=torch.float32), drawn_inputs(T, B, dtype=torch.float32)
    state = map_state(torch.Tensor.float, passed_state(made(kind), B))
    expected, last = model(inputs, state)
    outputs, same = model(inputs, state, resets=torch.zeros(T, B, dtype=torch.bool))
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(tuple(same), tuple(last))


@every_kind
def test_no_steps_and_no_sequences_can_be_reset(kind: str) -> None:
    model = made(kind)
    state = passed_state(model, B)
    outputs, last = model(drawn_inputs(0, B), state, resets=RESETS[:0])
    assert outputs.shape[:2] == (0, B)
    torch.testing.assert_close(tuple(last), tuple(state))
    assert model(drawn_inputs(T, 0), resets=RESETS[:, :0])[0].shape[:2] == (T, 0)


@pytest.mark.parametrize("kind", [kind for kind in MEMORY_KINDS if KINDS[kind][1].get("memory_init") != "random"])
def test_a_state_with_another_number_of_slots_is_reset_to_as_many(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    state = passed_state(model, B, memory_slots=14)
    outputs, last = model(inputs, state, resets=RESETS)
    assert last.memory.shape[1] == 14
    torch.testing.assert_close(outputs[3:, 0], model(inputs[3:, :1], model.initial_state(1, 14))[0][:, 0])
    assert model.reset(state, RESETS[0]).memory.shape[1] == 14


@every_kind
def test_a_state_is_reset_between_two_calls(kind: str) -> None:
    model = made(kind)
    state, mask = passed_state(model, B), torch.tensor([True, False, True, False])
    reset = model.reset(state, mask)
    for tensor, before, initial in zip(reset, state, model.initial_state(B), strict=True):
        assert torch.equal(tensor[mask], initial[mask])
        assert torch.equal(tensor[~mask], before[~mask])
    inputs = drawn_inputs(T, B)
    resets = torch.zeros(T, B, dtype=torch.bool)
    resets[0] = mask
    torch.testing.assert_close(model(inputs, reset)[0], model(inputs, state, resets=resets)[0])


def test_a_detached_state_has_the_same_numbers_and_no_gradients() -> None:
    state = passed_state(made(MEMORY_KINDS[0]), B)
    detached = tapehead.detach(state)
    assert type(detached) is type(state)
    assert not any(tensor.requires_grad for tensor in detached)
    assert all(torch.equal(one, other) for one, other in zip(detached, state, strict=True))


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (RESETS.int(), TypeError, "torch.int32"),
        (RESETS.tolist(), TypeError, "list"),
        (RESETS.T, ValueError, r"\(4, 7\)"),
        (RESETS[:, :3], ValueError, r"\(7, 3\)"),
        (RESETS[0], ValueError, r"\(4,\)"),
    ],
)
def test_what_are_no_resets_is_refused(wrong: object, error: type[Exception], said: str) -> None:
    expected = rf"^resets: expected a tensor of torch.bool of shape \(7, 4\), which is \(T, B\), not {said}$"
    with pytest.raises(error, match=expected):
        made("lstm")(drawn_inputs(T, B), resets=wrong)


def test_resets_elsewhere_or_of_packed_sequences_are_refused() -> None:
    with pytest.raises(ValueError, match="^resets: expected a tensor on cpu, as the others, not on meta$"):
        made("lstm")(drawn_inputs(T, B), resets=RESETS.to("meta"))
    with pytest.raises(ValueError, match="^resets: expected None with a PackedSequence, not a tensor; pad it, and"):
        made("lstm")(pack_sequence([drawn_inputs(3)]), resets=RESETS)


@pytest.mark.parametrize(
    ("mask", "error", "said"),
    [
        ([True] * B, TypeError, "mask: expected a tensor of torch.bool of shape"),
        (torch.ones(B), TypeError, "mask: expected a tensor of torch.bool of shape"),
        (torch.ones(3, dtype=torch.bool), ValueError, "mask: expected a tensor of torch.bool of shape"),
        (torch.ones(B, 1, dtype=torch.bool), ValueError, "mask: expected a tensor of torch.bool of shape"),
    ],
)
def test_what_is_no_mask_of_sequences_is_refused(mask: Any, error: type[Exception], said: str) -> None:
    model = made("lstm")
    with pytest.raises(error, match=f"^{said}"):
        model.reset(model.initial_state(B), mask)


def compile_with_resets() -> None:
    """Called in a process of its own, as the tests' checks of signatures cannot be compiled."""
    model = torch.compile(made("ntm addressing by content"), fullgraph=True, backend="aot_eager")
    with pytest.raises(Exception, match="resets: expected None in a compiled or exported model"):
        model(drawn_inputs(T, B), resets=RESETS)


def test_a_compiled_model_says_that_it_has_no_resets() -> None:
    elsewhere(compile_with_resets)
