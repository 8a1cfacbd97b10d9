"""Number formats, autocast, torch.compile, and long runs, for every model."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tapehead import map_state
from tests.small_models import DNC_KINDS, INPUT_SIZE, KINDS, NTM_KINDS, drawn_inputs, made

T, B = 6, 4

every_kind = pytest.mark.parametrize("kind", KINDS)

FLOAT32_ERROR = 1e-4
"""Six steps of float32's 6e-8, and addresses that make some hundreds of times more of it."""


@every_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_outputs_states_and_gradients_have_the_models_type(kind: str, dtype: torch.dtype) -> None:
    model = made(kind, dtype=dtype)
    outputs, state = model(drawn_inputs(T, B, dtype=dtype), lengths=[T, 2, 0, 3])
    outputs.sum().backward()
    assert outputs.dtype == dtype
    assert all(tensor.dtype == dtype for tensor in state)
    assert all(parameter.grad.dtype == dtype for parameter in model.parameters())


@every_kind
def test_float32_is_close_to_float64(kind: str) -> None:
    outputs, _ = made(kind, dtype=torch.float64)(drawn_inputs(T, B))
    rough, _ = made(kind, dtype=torch.float64).float()(drawn_inputs(T, B).float())
    torch.testing.assert_close(rough.double(), outputs, rtol=0, atol=FLOAT32_ERROR)


@every_kind
def test_a_model_made_without_a_type_is_float32(kind: str) -> None:
    model_type, config = KINDS[kind]
    assert {tensor.dtype for tensor in model_type(3, 2, **config).state_dict().values()} == {torch.float32}


@every_kind
@pytest.mark.parametrize("inputs_type", [torch.float32, torch.bfloat16], ids=str)
def test_bfloat16_autocast_is_finite_and_as_good_as_float32(kind: str, inputs_type: torch.dtype) -> None:
    """Under autocast the recurrence keeps float32: so only the inputs' own rounding to bfloat16 shows."""
    model = made(kind, dtype=torch.float32)
    inputs = drawn_inputs(T, B, dtype=torch.float32).to(inputs_type)
    expected, _ = model(inputs.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, state = model(inputs, lengths=[T] * B)
        more, _ = model(inputs, state)
        outputs.square().sum().backward()
    assert more.isfinite().all()
    assert all(tensor.isfinite().all() for tensor in state)
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    torch.testing.assert_close(outputs.float(), expected, rtol=0, atol=FLOAT32_ERROR)


@every_kind
@pytest.mark.parametrize("inputs_type", [torch.float32, torch.bfloat16], ids=str)
def test_a_cell_steps_under_autocast_as_without(kind: str, inputs_type: torch.dtype) -> None:
    cell, inputs = made(kind, dtype=torch.float32).cell, drawn_inputs(2, B, dtype=torch.float32).to(inputs_type)
    expected, _ = cell(inputs[1].float(), cell(inputs[0].float())[1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = cell(inputs[1], cell(inputs[0])[1])
    torch.testing.assert_close(output, expected, rtol=0, atol=FLOAT32_ERROR)


@every_kind
def test_an_autocast_layer_may_feed_a_model_and_be_fed_by_it(kind: str) -> None:
    before, model = torch.nn.Linear(3, INPUT_SIZE), made(kind, dtype=torch.float32)
    after = torch.nn.Linear(4, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        score = after(model(before(torch.ones(T, B, 3)))[0]).sum()
    score.backward()
    assert before.weight.grad.isfinite().all()
    assert (before.weight.grad != 0).any()


@every_kind
def test_a_model_is_deterministic(kind: str) -> None:
    results = []
    for _ in range(3):
        model = made(kind, dtype=torch.float32)
        outputs, state = model(drawn_inputs(T, B, dtype=torch.float32))
        (outputs.square().sum() + sum(tensor.sum() for tensor in state)).backward()
        results.append([outputs, *state, *(parameter.grad for parameter in model.parameters())])
    for again in results[1:]:
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(again, results[0], strict=True))


COMPILED = """
import sys
import torch
sys.path.insert(0, sys.argv[1])
from tests.small_models import MEMORY_KINDS, drawn_inputs, made
torch.set_num_threads(1)
for kind in sys.argv[3:]:
    torch.compiler.reset()  # the kinds share their code, of which only so many variants are compiled
    model = made(kind, dtype=torch.float64)
    # Dynamo does not look into torch.nn.LSTM and torch.nn.RNN, so that a graph with one in it is never whole.
    compiled = torch.compile(model, fullgraph=kind in MEMORY_KINDS, backend=sys.argv[2])
    inputs, lengths = drawn_inputs(2, 3), torch.tensor([2, 0, 1])
    _, before = model(inputs)
    before = type(before)(*(tensor.detach() for tensor in before))
    for arguments, options in [((inputs,), {}), ((inputs, before), {"lengths": lengths})]:
        results = []
        for runner in (model, compiled):
            model.zero_grad()
            outputs, state = runner(*arguments, **options)
            (outputs.square().sum() + sum(tensor.square().sum() for tensor in state)).backward()
            grads = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
            results.append([outputs.detach(), *(tensor.detach() for tensor in state), *grads])
        for ours, theirs in zip(*results, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    print(kind)
"""


def assert_compiles(backend: str, kinds: list[str]) -> None:
    """In a process of its own, without the tests' type checks, which a user does not have either."""
    program = [sys.executable, "-c", COMPILED, str(Path(__file__).parents[1]), backend, *kinds]
    finished = subprocess.run(program, capture_output=True, text=True, check=False)
    assert finished.stdout.splitlines() == kinds, finished.stderr[-3000:]


@pytest.mark.reliability(3)
def test_a_model_compiles_into_one_graph_and_stays_the_same() -> None:
    assert_compiles("eager", [NTM_KINDS[0], DNC_KINDS[-1]])


@pytest.mark.reliability(3)
@pytest.mark.slow
def test_every_model_compiles_with_its_gradients_and_stays_the_same() -> None:
    assert_compiles("aot_eager", list(KINDS))


@pytest.mark.reliability(3)
@pytest.mark.slow
def test_a_model_compiles_to_machine_code_and_stays_the_same() -> None:
    assert_compiles("inductor", NTM_KINDS[1:2])


def assert_stays_finite(kind: str, inputs: Tensor, chunk: int, **changes: object) -> None:
    """Go through a long sequence in chunks, as training on one does: gradients back through each chunk."""
    model, state = made(kind, dtype=torch.float32, **changes), None
    for part in inputs.split(chunk):
        model.zero_grad()
        outputs, state = model(part, state)
        assert outputs.isfinite().all()
        assert all(tensor.isfinite().all() for tensor in state)
        (outputs.square().mean() + sum(tensor.mean() for tensor in state)).backward()
        assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in model.parameters())
        state = map_state(torch.Tensor.detach, state)


def long_inputs(steps: int, size: float) -> Tensor:
    return size * drawn_inputs(steps, 1, dtype=torch.float32)


@pytest.mark.reliability(4)
@every_kind
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_hundreds_of_steps_stay_finite(kind: str, size: float) -> None:
    assert_stays_finite(kind, long_inputs(200, size), chunk=100)


@pytest.mark.reliability(4)
@pytest.mark.slow
@pytest.mark.parametrize("kind", NTM_KINDS)
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_ten_thousand_steps_of_the_usual_size_stay_finite(kind: str, size: float) -> None:
    usual = {"hidden_size": 100, "num_layers": 1, "memory_slots": 128, "memory_width": 20}
    assert_stays_finite(kind, long_inputs(10_000, size), chunk=500, **usual)


@pytest.mark.reliability(4)
@pytest.mark.slow
@every_kind
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_gradients_of_ten_thousand_steps_at_once_are_finite(kind: str, size: float) -> None:
    assert_stays_finite(kind, long_inputs(10_000, size), chunk=10_000)
