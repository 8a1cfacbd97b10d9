"""The interface of torch.nn.LSTM, for every model: shapes, states, lengths, packed sequences, traces."""

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from tapehead import map_state
from tapehead.models import Model
from tests.small_models import INPUT_SIZE, KINDS, OUTPUT_SIZE, drawn_inputs, made

T, B = 6, 4

SAME = 1e-13
"""float64. A matrix product adds in another order when it has more or fewer rows, hence not bit for bit."""

every_kind = pytest.mark.parametrize("kind", KINDS)


def assert_same(ours: Tensor | tuple[Tensor, ...], theirs: Tensor | tuple[Tensor, ...]) -> None:
    """Hold tensors, or states, to each other: shape, type, and numbers but for rounding."""
    assert type(ours) is type(theirs)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=SAME)


def of_sequence(state: tuple[Tensor, ...], b: int) -> tuple[Tensor, ...]:
    """The state of one sequence of a batch, without the batch axis."""
    return map_state(lambda tensor: tensor[b], state)


def drawn_state(model: Model, batch_size: int = B) -> tuple[Tensor, ...]:
    """A state that is not the first: that after two steps."""
    _, state = model(drawn_inputs(2, batch_size, seed=9))
    return map_state(torch.Tensor.detach, state)


@every_kind
def test_outputs_have_the_inputs_axes_and_output_size_channels(kind: str) -> None:
    model = made(kind)
    outputs, state = model(drawn_inputs(T, B))
    assert outputs.shape == (T, B, OUTPUT_SIZE)
    assert all(tensor.shape[0] == B for tensor in state)


@every_kind
def test_batch_first_only_swaps_the_axes_of_inputs_and_outputs(kind: str) -> None:
    time_first, batch_first = made(kind), made(kind, batch_first=True)
    inputs, lengths = drawn_inputs(T, B), torch.tensor([T, 2, 0, 3])
    outputs, state = time_first(inputs, lengths=lengths)
    swapped_outputs, same_state = batch_first(inputs.transpose(0, 1), lengths=lengths)
    assert_same(swapped_outputs.transpose(0, 1), outputs)
    assert_same(same_state, state)


@every_kind
@pytest.mark.parametrize("batch_first", [False, True])
def test_one_sequence_without_a_batch_axis_is_a_batch_of_one(kind: str, batch_first: bool) -> None:
    model, sequence = made(kind, batch_first=batch_first), drawn_inputs(T)
    outputs, state = model(sequence)
    batch_axis = 0 if batch_first else 1
    batch_outputs, batch_state = model(sequence.unsqueeze(batch_axis))
    assert_same(outputs, batch_outputs.squeeze(batch_axis))
    assert_same(state, of_sequence(batch_state, 0))
    more, _ = model(sequence, state)
    batch_more, _ = model(sequence.unsqueeze(batch_axis), batch_state)
    assert_same(more, batch_more.squeeze(batch_axis))


@every_kind
@pytest.mark.parametrize("cut", [0, 1, 4, T])
def test_a_run_in_two_parts_is_the_whole_run(kind: str, cut: int) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    whole_outputs, whole_state = model(inputs)
    before, state = model(inputs[:cut])
    after, state = model(inputs[cut:], state)
    assert_same(torch.cat([before, after]), whole_outputs)
    assert_same(state, whole_state)


@every_kind
def test_the_cell_goes_one_step_of_the_whole_run(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    outputs, last = model(inputs)
    state = None
    for x, expected in zip(inputs, outputs, strict=True):
        output, state = model.cell(x, state)
        assert_same(output, expected)
    assert_same(state, last)


@every_kind
def test_the_cell_steps_one_sequence_without_a_batch_axis(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(1, 1)
    output, state = model.cell(inputs[0, 0])
    batch_output, batch_state = model.cell(inputs[0])
    assert_same(output, batch_output[0])
    assert_same(state, of_sequence(batch_state, 0))
    assert_same(model.cell(inputs[0, 0], state)[0], model.cell(inputs[0], batch_state)[0][0])


@every_kind
def test_the_initial_state_is_where_a_run_without_a_state_starts(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    for ours, theirs in zip(model(inputs), model(inputs, model.initial_state(B)), strict=True):
        assert_same(ours, theirs)


@every_kind
def test_a_run_from_another_state_differs(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    assert not torch.allclose(model(inputs)[0], model(inputs, drawn_state(model))[0])


@every_kind
def test_a_sequence_does_not_depend_on_its_neighbors(kind: str) -> None:
    model, inputs, state = made(kind), drawn_inputs(T, B), None
    for state in (None, drawn_state(model)):
        outputs, ends = model(inputs, state)
        for b in range(B):
            alone, end = model(inputs[:, b], None if state is None else of_sequence(state, b))
            assert_same(alone, outputs[:, b])
            assert_same(end, of_sequence(ends, b))


@every_kind
def test_no_gradient_flows_between_the_sequences_of_a_batch(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B).requires_grad_()
    outputs, state = model(inputs)
    score = outputs[:, 1].sum() + sum(tensor[1].sum() for tensor in state)
    (gradient,) = torch.autograd.grad(score, inputs)
    assert (gradient[:, [0, 2, 3]] == 0).all()
    assert (gradient[:, 1] != 0).any()


@every_kind
@pytest.mark.parametrize("lengths", [[6, 2, 0, 3], [1, 1, 1, 1], [0, 0, 0, 0], [6, 6, 6, 6]], ids=str)
def test_a_finished_sequence_stands_still(kind: str, lengths: list[int]) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    for before in (None, drawn_state(model)):
        outputs, ends = model(inputs, before, lengths=lengths)
        for b, length in enumerate(lengths):
            start = of_sequence(before or model.initial_state(B), b)
            alone, end = model(inputs[:length, b], start)
            assert_same(outputs[:length, b], alone)
            assert (outputs[length:, b] == 0).all()
            assert_same(of_sequence(ends, b), end if length else start)


@every_kind
def test_lengths_may_be_a_list_or_a_tensor_of_any_whole_numbers(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    outputs, state = model(inputs, lengths=[6, 2, 0, 3])
    for dtype in (torch.int64, torch.int32, torch.uint8):
        same_outputs, same_state = model(inputs, lengths=torch.tensor([6, 2, 0, 3], dtype=dtype))
        assert torch.equal(same_outputs, outputs)
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(same_state, state, strict=True))


@every_kind
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [[6, 5, 3, 1], [1, 6, 3, 5]], ids=["sorted", "unsorted"])
def test_a_packed_sequence_in_gives_a_packed_sequence_out(kind: str, batch_first: bool, lengths: list[int]) -> None:
    model, inputs = made(kind, batch_first=batch_first), drawn_inputs(*((B, T) if batch_first else (T, B)))
    for before in (None, drawn_state(made(kind))):
        expected, expected_state = model(inputs, before, lengths=lengths)
        packed = pack_padded_sequence(inputs, torch.tensor(lengths), batch_first, enforce_sorted=lengths[0] == T)
        outputs, state = model(packed, before)
        assert isinstance(outputs, PackedSequence)
        assert torch.equal(outputs.batch_sizes, packed.batch_sizes)
        unpacked, unpacked_lengths = pad_packed_sequence(outputs, batch_first)
        assert unpacked_lengths.tolist() == lengths
        assert_same(unpacked, expected)
        assert_same(state, expected_state)


@every_kind
@pytest.mark.parametrize("lengths", [None, [0] * B])
def test_a_sequence_of_no_steps_leaves_the_state_as_it_was(kind: str, lengths: list[int] | None) -> None:
    model = made(kind)
    for before in (None, drawn_state(model)):
        outputs, state = model(drawn_inputs(0, B), before, lengths=lengths)
        assert outputs.shape == (0, B, OUTPUT_SIZE)
        assert_same(state, before or model.initial_state(B))


@every_kind
@pytest.mark.parametrize("lengths", [None, []])
@pytest.mark.parametrize("steps", [0, 1, T])
def test_an_empty_batch_gives_an_empty_batch(kind: str, steps: int, lengths: list[int] | None) -> None:
    model = made(kind)
    outputs, state = model(drawn_inputs(steps, 0), lengths=lengths)
    assert outputs.shape == (steps, 0, OUTPUT_SIZE)
    assert_same(state, model.initial_state(0))


@every_kind
def test_inputs_need_not_be_contiguous(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    strided = torch.randn(INPUT_SIZE, 2 * T, B, dtype=torch.float64)[:, ::2].permute(1, 2, 0)
    strided.copy_(inputs)
    assert not strided.is_contiguous()
    assert_same(model(strided)[0], model(inputs)[0])


@every_kind
def test_a_run_leaves_its_inputs_and_its_state_as_they_were(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    state = drawn_state(model)
    kept_inputs, kept_state = inputs.clone(), map_state(torch.clone, state)
    model(inputs, state, lengths=[T, 2, 0, 3])
    assert torch.equal(inputs, kept_inputs)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(state, kept_state, strict=True))


@every_kind
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [None, [6, 2, 0, 3]])
def test_a_trace_is_the_run_and_its_states_stacked(kind: str, batch_first: bool, lengths: list[int] | None) -> None:
    model = made(kind, batch_first=batch_first)
    inputs, time_axis = drawn_inputs(*((B, T) if batch_first else (T, B))), 1 if batch_first else 0
    for before in (None, drawn_state(made(kind))):
        outputs, last = model(inputs, before, lengths=lengths)
        trace = model.trace(inputs, before, lengths=lengths)
        assert_same(trace.outputs, outputs.detach())
        assert type(trace.states) is type(last)
        for step in range(T):
            until = None if lengths is None else [min(length, step + 1) for length in lengths]
            _, state = model(inputs.narrow(time_axis, 0, step + 1), before, lengths=until)
            assert_same(
                map_state(lambda tensor, step=step: tensor[step], trace.states), map_state(torch.Tensor.detach, state)
            )


@every_kind
def test_a_trace_of_one_sequence_has_no_batch_axis(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, 1)
    trace, batch_trace = model.trace(inputs[:, 0]), model.trace(inputs)
    assert_same(trace.outputs, batch_trace.outputs[:, 0])
    assert_same(trace.states, map_state(lambda tensor: tensor[:, 0], batch_trace.states))


@every_kind
def test_a_trace_of_no_steps_has_no_steps(kind: str) -> None:
    trace = made(kind).trace(drawn_inputs(0, B))
    assert trace.outputs.shape == (0, B, OUTPUT_SIZE)
    assert all(tensor.shape[:2] == (0, B) for tensor in trace.states)


@every_kind
def test_a_trace_records_no_gradients(kind: str) -> None:
    trace = made(kind).trace(drawn_inputs(T, B))
    assert not trace.outputs.requires_grad
    assert not any(tensor.requires_grad for tensor in trace.states)


@every_kind
def test_every_parameter_gets_a_gradient(kind: str) -> None:
    model = made(kind)
    outputs, _ = model(drawn_inputs(T, B))
    outputs.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name


@every_kind
def test_training_can_go_on_from_a_detached_state(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    _, state = model(inputs)
    assert any(tensor.requires_grad for tensor in state)
    state = map_state(torch.Tensor.detach, state)
    assert not any(tensor.requires_grad for tensor in state)
    model(inputs, state)[0].sum().backward()
    assert all(parameter.grad is not None for parameter in model.cell.readout.parameters())


@every_kind
def test_torch_func_can_put_other_parameters_in_place(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    doubled = {name: 2 * tensor.detach() for name, tensor in model.named_parameters()}
    found, _ = torch.func.functional_call(model, doubled, (inputs,))
    model.load_state_dict(doubled, strict=False)
    assert found.equal(model(inputs)[0])
