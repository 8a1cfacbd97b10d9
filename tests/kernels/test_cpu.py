"""What a call of a fused CPU kernel promises beyond the right numbers (those: test_cpu_accuracy.py)."""

import ctypes
import dataclasses
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from tapehead import NTM
from tapehead.kernels import _native
from tapehead.kernels._call import new_call
from tapehead.kernels.dnc_scan import cpu as dnc_cpu
from tapehead.kernels.ntm_scan import cpu as ntm_cpu
from tests.kernels import drawn
from tests.kernels.cpu import EACH_MACHINE, MACHINES, NEEDS_LIBRARY, Drawing, room_is_dirty  # noqa: F401  (a fixture)

pytestmark = NEEDS_LIBRARY

OF_KERNELS = {"ntm": ntm_cpu, "dnc": dnc_cpu}


@pytest.fixture
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@EACH_MACHINE
@pytest.mark.parametrize("seed", range(20))
def test_without_gradient_the_answer_is_the_same(draw: Drawing, seed: int) -> None:
    given = draw(seed, work=1e5)
    with_gradient = drawn.answer(given, "cpu")
    without = drawn.answer(given, "cpu", grad=False)
    assert all(torch.equal(one, other) for one, other in zip(without, with_gradient[: len(without)], strict=True))


@EACH_MACHINE
@pytest.mark.parametrize("seed", range(20))
def test_a_sequence_does_not_depend_on_its_neighbours(draw: Drawing, seed: int) -> None:
    given = draw(seed, work=1e5, sequences=9, contiguous=True)
    together = drawn.answer(given, "cpu", torch.float32)
    batched = len(given.state) + 1
    for b in (0, 4, 8):
        inputs, *state = given.tensors[:batched]
        own = [inputs[:, b : b + 1], *(tensor[b : b + 1] for tensor in state), *given.tensors[batched:]]
        lengths = None if given.lengths is None else given.lengths[b : b + 1]
        one = dataclasses.replace(given.on(own), lengths=lengths)
        alone = drawn.answer(one, "cpu", torch.float32, grad=False)
        assert torch.equal(alone[0][:, 0], together[0][:, b])
        for ours, theirs in zip(alone[1:batched], together[1:batched], strict=True):
            assert torch.equal(ours[0], theirs[b])


@EACH_MACHINE
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.usefixtures("_threads")
def test_one_thread_and_two_give_the_same_bits(draw: Drawing, seed: int) -> None:
    given = draw(seed, work=1e6)
    torch.set_num_threads(1)
    alone = drawn.answer(given, "cpu", torch.float32)
    torch.set_num_threads(2)
    for _ in range(3):
        together = drawn.answer(given, "cpu", torch.float32)
        assert all(torch.equal(one, other) for one, other in zip(together, alone, strict=True))


@EACH_MACHINE
@pytest.mark.parametrize("seed", range(10))
def test_sequences_may_share_their_first_state(draw: Drawing, seed: int) -> None:
    given = draw(seed, work=1e5, contiguous=True)
    inputs, rest = given.inputs, given.tensors[1:]
    shared = [tensor[:1].expand_as(tensor) for tensor in rest[: len(given.state)]]
    weights = rest[len(given.state) :]
    ours = drawn.answer(given.on([inputs, *shared, *weights]), "cpu")
    expected = drawn.answer(given.on([inputs, *(tensor.clone() for tensor in shared), *weights]), "cpu")
    assert all(torch.equal(one, other) for one, other in zip(ours, expected, strict=True))


@EACH_MACHINE
@pytest.mark.parametrize("seed", range(20))
def test_a_split_run_is_the_whole_run(draw: Drawing, seed: int) -> None:
    given = draw(seed, work=1e6, steps=11, lengths=False)
    whole = given.run("cpu")
    first = dataclasses.replace(given, inputs=given.inputs[:4]).run("cpu")
    rest = dataclasses.replace(given, inputs=given.inputs[4:], state=first.state).run("cpu")
    assert torch.equal(torch.cat([first.outputs, rest.outputs]), whole.outputs)
    assert all(torch.equal(one, other) for one, other in zip(rest.state, whole.state, strict=True))


@EACH_MACHINE
def test_only_what_is_wanted_gets_a_gradient(draw: Drawing) -> None:
    given = draw(3, steps=5, sequences=3)
    expected = drawn.answer(given, "cpu")[-len(given.tensors) :]
    for wanted in range(len(given.tensors)):
        if expected[wanted].numel() == 0:
            continue
        leaves = [tensor.detach().clone().requires_grad_(place == wanted) for place, tensor in enumerate(given.tensors)]
        moved = given.on(leaves)
        moved.run("cpu").outputs.sum().backward()
        assert leaves[wanted].grad is not None
        assert all(leaf.grad is None for place, leaf in enumerate(leaves) if place != wanted)


@EACH_MACHINE
def test_a_gradient_can_be_taken_twice(draw: Drawing) -> None:
    given = draw(5, steps=6, sequences=3)
    leaves = [tensor.requires_grad_() for tensor in given.tensors]
    loss = given.on(leaves).run("cpu").outputs.sum()
    first = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True, materialize_grads=True)
    second = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@EACH_MACHINE
@pytest.mark.parametrize("size", [1e-30, 1e-9, 1.0, 1e15, 1e30, 3e38])
def test_rows_of_any_length_are_compared_with_finite_numbers(draw: Drawing, size: float) -> None:
    given = draw(7, steps=3, sequences=2, slots=17, width=5, lengths=False, keep_states=False, clip=20.0)
    memory = given.state.memory / given.state.memory.abs().amax() * size
    given = given.on([given.inputs, memory, *given.tensors[2:]])
    ours, theirs = (drawn.answer(given, backend, torch.float32, grad=False) for backend in ("cpu", "reference"))
    for field in ("read_weightings", "write_weightings"):
        place = 1 + given.state._fields.index(field)
        torch.testing.assert_close(ours[place], theirs[place], rtol=1e-4, atol=1e-5)


@EACH_MACHINE
@pytest.mark.parametrize("size", [1e-38, 1e4, 1e20, 1e38])
@pytest.mark.parametrize("place", [0, 1], ids=["inputs", "memory"])
def test_what_the_reference_keeps_finite_stays_finite(draw: Drawing, place: int, size: float) -> None:
    for seed in range(8):
        given = draw(seed, work=3e4, steps=5, sequences=2, slots=17, width=5, keep_states=False)
        tensors = given.tensors
        tensors[place] = tensors[place] / tensors[place].abs().amax() * size
        given = given.on(tensors)
        ours, theirs = (drawn.answer(given, backend, torch.float32) for backend in ("cpu", "reference"))
        for one, other in zip(ours, theirs, strict=True):
            assert one.isfinite().all() or not other.isfinite().all()


@EACH_MACHINE
def test_not_a_number_stays_not_a_number(draw: Drawing) -> None:
    given = draw(2, steps=4, sequences=3, lengths=False, clip=20.0)
    inputs = given.inputs.clone()
    inputs[1, 1, 0] = math.nan
    given = given.on([inputs, *given.tensors[1:]])
    outputs = drawn.answer(given, "cpu", grad=False)[0]
    assert outputs[:, 0].isfinite().all()
    assert outputs[:, 2].isfinite().all()
    assert outputs[0, 1].isfinite().all()
    assert outputs[1:, 1].isnan().all()


@EACH_MACHINE
def test_padding_gives_no_gradient(draw: Drawing) -> None:
    given = draw(1, steps=5, sequences=3, contiguous=True)
    lengths = torch.tensor([5, 2, 0])
    inputs = given.inputs.clone()
    inputs[2:, 1] = math.nan
    inputs[:, 2] = math.nan
    leaves = [inputs.requires_grad_(), *(tensor.requires_grad_() for tensor in given.tensors[1:])]
    moved = given.on(leaves)
    result = dataclasses.replace(moved, lengths=lengths).run("cpu")
    assert (result.outputs[2:, 1] == 0).all()
    gradients = torch.autograd.grad(result.outputs.sum(), leaves, allow_unused=True, materialize_grads=True)
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert (gradients[0][2:, 1] == 0).all()


def test_the_room_is_lent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    room = _native.Room()
    first, second = room.lend(1000, torch.float32), room.lend(1000, torch.float32)
    place = first.data_ptr()
    assert place % room.ALIGNMENT == 0
    assert second.data_ptr() != place
    del first
    monkeypatch.setattr(_native.np, "empty", None)  # new room cannot be made any more
    assert room.lend(10, torch.float64).data_ptr() == place


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", MACHINES)
def test_the_size_of_what_is_kept_is_the_same_in_python_and_in_cpp(name: str, seed: int) -> None:
    given, kernel = MACHINES[name](seed), OF_KERNELS[name]
    weights = given.tensors[1 + len(given.state) :]
    sizes = kernel.MACHINE.sizes(given.inputs, given.state, weights, kernel.numbers_of(given.options))
    call = new_call(kernel.MACHINE, sizes, None)
    count = getattr(_native.library(), f"tapehead_{name}_kept")
    for is_double in (False, True):
        assert count(0, is_double, ctypes.byref(call)) == kernel.MACHINE.kept(sizes)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"memory": torch.zeros(3, 9, 4)},
            ValueError,
            "state.read_weightings: expected shape (3, 1, 9), not (3, 1, 7)",
        ),
        ({"cell": torch.zeros(3, 1, 5)}, ValueError, "state.cell: expected shape (3, 1, 6), not (3, 1, 5)"),
        ({"reads": torch.zeros(3, 1, 4, dtype=torch.float64)}, TypeError, "state.reads: expected torch.float32"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(change: dict[str, Tensor], error: type[Exception], message: str) -> None:
    given = drawn.scan(
        0,
        steps=2,
        sequences=3,
        slots=7,
        width=4,
        reads=1,
        writes=1,
        units=6,
        layers=1,
        controller="lstm",
        lengths=False,
        shift_range=1,
    )
    tensors = [tensor.float() for tensor in given.tensors]
    moved = given.on(tensors)
    state = moved.state._replace(**change)
    with pytest.raises(error) as raised:
        ntm_cpu.scan(moved.inputs, state, None, moved.weights, moved.options, keep_states=False)
    assert message in str(raised.value)


@EACH_MACHINE
def test_tensors_on_another_device_are_refused(draw: Drawing) -> None:
    given = draw(3, steps=2, sequences=3)
    for place, tensor in enumerate(given.tensors[1:], start=1):
        tensors = given.tensors
        tensors[place] = tensor.to("meta")
        with pytest.raises(ValueError, match=r"(state\.|weights, tensor).*: expected a tensor on cpu, not on meta"):
            given.on(tensors).run("cpu")


@EACH_MACHINE
def test_more_layers_than_there_are_places_for_are_refused(draw: Drawing) -> None:
    small = {"steps": 1, "sequences": 1, "slots": 3, "width": 1, "units": 1, "controller": "lstm", "lengths": False}
    most = draw(0, layers=64, **small)
    assert drawn.distance(drawn.answer(most, "cpu"), drawn.answer(most, "reference")) <= 1e-12
    with pytest.raises(ValueError, match="num_layers: expected at most 64 with backend 'cpu', not 65"):
        draw(0, layers=65, **small).run("cpu")


def test_to_link_no_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="sparse_links: expected at least 1, or None"):
        drawn.dnc(3, sparse_links=0).run("cpu")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("gate", [-60.0, -800.0])
def test_a_weight_that_leaves_the_format_carries_no_gradient(gate: float, dtype: torch.dtype) -> None:
    """Slots that weigh nothing, step after step: from one to the next, gamma would multiply a gradient that is none."""
    gradients = []
    for backend in ("cpu", "reference"):
        torch.manual_seed(0)
        model = NTM(3, 2, memory_slots=16, memory_width=4, hidden_size=8, clip=None, backend=backend, dtype=dtype)
        strengths, gates, shifts, sharpenings = model.cell.heads.bias.split(model.cell.options.head_sizes)[1:5]
        with torch.no_grad():
            strengths.fill_(60.0)
            gates.fill_(gate)
            sharpenings.fill_(20.0)
            shifts.view(2, 3)[:] = torch.tensor([0.0, 5.0, 0.0])
        outputs, _ = model(torch.randn(60, 2, 3, dtype=dtype))
        outputs.square().mean().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    assert drawn.distance(*gradients) <= 1e-6


@EACH_MACHINE
def test_lengths_need_not_be_contiguous(draw: Drawing) -> None:
    given = draw(3, steps=6, sequences=3, lengths=True, keep_states=False)
    lengths = torch.tensor([6, 0, 2, 0, 4, 0])[::2]
    strided, plain = (dataclasses.replace(given, lengths=chosen) for chosen in (lengths, lengths.contiguous()))
    assert drawn.distance(drawn.answer(strided, "cpu"), drawn.answer(plain, "cpu")) == 0


@EACH_MACHINE
def test_calls_from_several_threads_do_not_disturb_each_other(draw: Drawing) -> None:
    given = draw(5, steps=9, sequences=3, slots=17, width=5)
    expected = drawn.answer(given, "cpu")
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: drawn.answer(given, "cpu"), range(200)):
            assert drawn.distance(found, expected) == 0
