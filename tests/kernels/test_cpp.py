"""What a call of a C++ kernel promises beyond what every backend does (that: test_conformance_*.py)."""

import ctypes
import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from tapehead import NTM, UnsupportedError
from tapehead.kernels.cpp import library
from tapehead.kernels.cpp.call import new_call
from tapehead.kernels.dnc_scan import cpp as dnc_cpp
from tapehead.kernels.ntm_scan import cpp as ntm_cpp
from tests.kernels import drawn
from tests.kernels.cpp import EACH_MODEL, MODELS, NEEDS_LIBRARY, Drawing, workspaces_are_dirty  # noqa: F401  (a fixture)

pytestmark = NEEDS_LIBRARY

OF_KERNELS = {"ntm": ntm_cpp, "dnc": dnc_cpp}


@pytest.fixture
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@EACH_MODEL
@pytest.mark.parametrize("seed", range(20))
def test_a_sequence_does_not_depend_on_its_neighbors(draw: Drawing, seed: int) -> None:
    given = draw(seed, work=1e5, sequences=9, contiguous=True)
    together = drawn.results(given, "cpp", torch.float32)
    batched = len(given.state) + 1
    for b in (0, 4, 8):
        inputs, *state = given.tensors[:batched]
        own = [inputs[:, b : b + 1], *(tensor[b : b + 1] for tensor in state), *given.tensors[batched:]]
        lengths = None if given.lengths is None else given.lengths[b : b + 1]
        one = dataclasses.replace(given.on(own), lengths=lengths)
        alone = drawn.results(one, "cpp", torch.float32, grad=False)
        assert torch.equal(alone[0][:, 0], together[0][:, b])
        for ours, theirs in zip(alone[1:batched], together[1:batched], strict=True):
            assert torch.equal(ours[0], theirs[b])


@EACH_MODEL
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.usefixtures("_threads")
def test_one_thread_and_two_give_the_same_bits(draw: Drawing, seed: int) -> None:
    given = draw(seed, work=1e6)
    torch.set_num_threads(1)
    alone = drawn.results(given, "cpp", torch.float32)
    torch.set_num_threads(2)
    for _ in range(3):
        together = drawn.results(given, "cpp", torch.float32)
        assert all(torch.equal(one, other) for one, other in zip(together, alone, strict=True))


def test_a_workspace_is_lent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = library.WorkspacePool()
    first, second = pool.lend(1000, torch.float32), pool.lend(1000, torch.float32)
    address = first.data_ptr()
    assert address % pool.ALIGNMENT == 0
    assert second.data_ptr() != address
    del first
    monkeypatch.setattr(library.np, "empty", None)  # no new one can be made any more
    assert pool.lend(10, torch.float64).data_ptr() == address


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", MODELS)
def test_python_and_cpp_count_the_same_numbers_that_are_saved_for_the_backward_pass(name: str, seed: int) -> None:
    given, model, numbers = MODELS[name](seed), OF_KERNELS[name].MODEL, OF_KERNELS[name].numbers_of
    sizes, options = given.problem.sizes, numbers(given.options)
    call = new_call(name, len(given.state), sizes, options, None)
    assert ctypes.sizeof(call) == getattr(library.library(), f"tapehead_{name}_call_size")()
    count = getattr(library.library(), f"tapehead_{name}_saved_size")
    for is_double in (False, True):
        assert count(0, is_double, ctypes.byref(call)) == model.saved_size(sizes, options)


@EACH_MODEL
def test_a_layer_too_many_for_the_library_is_left_to_the_reference(draw: Drawing) -> None:
    small = {"steps": 1, "sequences": 1, "slots": 3, "width": 1, "units": 1, "controller": "lstm", "lengths": False}
    most, more = (draw(0, layers=library.MAX_LAYERS + extra, **small) for extra in (0, 1))
    assert drawn.distance(drawn.results(most, "cpp"), drawn.results(most, "reference")) <= 1e-12
    with pytest.raises(UnsupportedError, match="num_layers: expected at most 64 with backend 'cpp', not 65"):
        more.run("cpp")
    assert drawn.distance(drawn.results(more, "auto"), drawn.results(more, "reference")) == 0


def test_a_model_that_is_too_deep_for_the_library_says_that_the_reference_runs_it() -> None:
    model = NTM(2, 1, num_layers=65, hidden_size=2, memory_slots=4, memory_width=2)
    assert "runs reference" in repr(model)
    outputs, _ = model(torch.rand(2, 1, 2))
    outputs.sum().backward()
    with pytest.raises(UnsupportedError, match="num_layers: expected at most 64"):
        NTM(2, 1, num_layers=65, hidden_size=2, memory_slots=4, memory_width=2, backend="cpp")(torch.rand(2, 1, 2))


@EACH_MODEL
def test_numbers_of_another_format_are_left_to_the_reference_and_never_read_as_if_they_were_float32(
    draw: Drawing,
) -> None:
    given = draw(3, steps=2, sequences=3, clip=20.0)
    half = given.on([tensor.bfloat16() for tensor in given.tensors])
    with pytest.raises(UnsupportedError, match=r"the numbers are torch\.bfloat16"):
        half.run("cpp")
    assert half.run("auto").outputs.dtype == torch.bfloat16
    with pytest.raises(TypeError, match=r"expected torch\.float32 or torch\.float64, not torch\.bfloat16"):
        half.on([half.inputs.float(), *half.tensors[1:]]).run("cpp")


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
    given = drawn.ntm(
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
        ntm_cpp.scan(moved.inputs, state, None, moved.weights, moved.options, False)
    assert message in str(raised.value)


@EACH_MODEL
def test_tensors_on_another_device_are_refused(draw: Drawing) -> None:
    given = draw(3, steps=2, sequences=3)
    for place, tensor in enumerate(given.tensors[1:], start=1):
        tensors = given.tensors
        tensors[place] = tensor.to("meta")
        with pytest.raises(ValueError, match=r"(state\.|weights, tensor).*: expected a tensor on cpu, not on meta"):
            given.on(tensors).run("cpp")


def test_to_link_no_slots_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="sparse_links: expected at least 1, or None"):
        drawn.dnc(3, sparse_links=0).run("cpp")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("gate", [-60.0, -800.0])
def test_a_weight_that_leaves_the_format_carries_no_gradient(gate: float, dtype: torch.dtype) -> None:
    """Slots that weigh nothing, step after step: from one to the next, gamma would multiply a gradient that is none."""
    gradients = []
    for backend in ("cpp", "reference"):
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


@EACH_MODEL
def test_calls_from_several_threads_do_not_disturb_each_other(draw: Drawing) -> None:
    given = draw(5, steps=9, sequences=3, slots=17, width=5)
    expected = drawn.results(given, "cpp")
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: drawn.results(given, "cpp"), range(200)):
            assert drawn.distance(found, expected) == 0
