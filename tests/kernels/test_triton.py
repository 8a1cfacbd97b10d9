"""The Triton kernels, in Triton's interpreter: they compute what the reference does; and they compile for a GPU.

Interpreted, a time step of one sequence takes a few tenths of a second, so shapes are few and small here. On a computer
with a GPU the marker `gpu` runs what test_conformance_*.py has every backend promise.
"""

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tapehead.kernels import SCANS
from tapehead.kernels.backend import Backend, Problem
from tapehead.kernels.triton import launch
from tests.kernels import drawn
from tests.kernels import test_conformance_extremes as extremes
from tests.kernels import test_conformance_lengths as lengths
from tests.kernels import test_conformance_state as state
from tests.kernels.oracle import EXACT, Case, check_float32_errors, float32_errors, needs_excuse
from tests.kernels.races import watch
from tests.kernels.test_conformance import SUITE
from tests.kernels.test_conformance_values import OPTIONS, PLAIN

MODELS = [model for model, backends in SCANS.items() if "triton" in backends]
EACH_MODEL = pytest.mark.parametrize("model", MODELS)
NEEDS_TRITON = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
NEEDS_INTERPRETER = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None or os.environ.get("TRITON_INTERPRET") != "1",
    reason="Triton is not installed, or TRITON_INTERPRET is not 1",
)
SEVERAL: dict[str, Any] = {"layers": 3, "reads": 2, "writes": 2, "keep_states": True}
SWITCHES: dict[str, Any] = {"masked_content": True, "deallocate": True, "sharpen_links": True, "sparse_links": 3}
HARD: dict[str, dict[str, Any]] = {"ntm": SEVERAL, "dnc": SEVERAL | SWITCHES}
"""What has every loop of the kernels turn more than once."""

STEPS, SEQUENCES, SLOTS, WIDTHS = (9, 3, 1, 8), (2, 1, 3), (5, 1, 16, 33), (3, 8, 1)


def interpreted(model: str) -> Case:
    """The backend, which takes tensors on the CPU here: Triton's interpreter runs its kernels."""
    scan = SCANS[model]["triton"].scan
    return Case(model, Backend("triton", lambda problem: None, scan))


def draw_small(case: Case, seed: int) -> drawn.Scan:
    """Draw a scan of few steps of few sequences, with any options."""
    sizes = {"steps": STEPS, "sequences": SEQUENCES, "slots": SLOTS, "width": WIDTHS}
    return case.draw(
        seed, **{name: choices[seed % len(choices)] for name, choices in sizes.items()}, units=(3, 8)[seed % 2]
    )


def compare(case: Case, seeds: range) -> None:
    """Compare with the reference at drawn small shapes: exactly in float64, and by the sizes of errors in float32."""
    excused, errors = [], []
    for seed in seeds:
        given = draw_small(case, seed)
        expected = drawn.results(given, case.oracle)
        excused += [seed] * needs_excuse(case, given, expected)
        errors.append(float32_errors(case, given, expected))
    assert not excused
    check_float32_errors(case.model, errors)


@NEEDS_INTERPRETER
@pytest.mark.reliability(2)
@EACH_MODEL
def test_each_option_alone_gives_the_reference_s_values_and_gradients(model: str) -> None:
    case = interpreted(model)
    for option in OPTIONS[model]:
        settings = {**PLAIN[model], **option, "reads": 2, "writes": 2}
        given = case.draw(0, **settings, steps=3, sequences=2, slots=7, width=3, units=3, keep_states=True)
        assert drawn.distance(case.results(given), drawn.results(given, case.oracle)) <= EXACT, option


@NEEDS_INTERPRETER
@pytest.mark.reliability(2)
@EACH_MODEL
def test_the_memory_is_computed_again_between_the_steps_at_which_it_is_kept(model: str) -> None:
    case = interpreted(model)
    given = case.draw(1, **PLAIN[model], steps=2 * launch.EVERY + 2, sequences=1, slots=3, width=2, keep_states=False)
    assert drawn.distance(case.results(given), drawn.results(given, case.oracle)) <= EXACT


@NEEDS_INTERPRETER
@pytest.mark.reliability(2)
@EACH_MODEL
def test_what_does_not_fit_into_a_tile_takes_several(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "TILE", 8)
    monkeypatch.setattr(launch, "COLUMNS", 4)
    case = interpreted(model)
    given = case.draw(2, **PLAIN[model], reads=2, writes=2, steps=2, sequences=1, slots=5, width=3, units=5)
    assert drawn.distance(case.results(given), drawn.results(given, case.oracle)) <= EXACT


@NEEDS_INTERPRETER
@EACH_MODEL
def test_threads_of_a_program_pass_nothing_on_without_a_barrier(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "TILE", 8)
    monkeypatch.setattr(launch, "COLUMNS", 4)
    case = interpreted(model)
    given = case.draw(0, **(PLAIN[model] | HARD[model]), steps=2, sequences=1, slots=6, width=3, units=3)
    with watch() as found:
        case.results(given)
    assert not found
    with watch(heed_barriers=False) as found:
        case.results(given, grad=False)
    assert found


@NEEDS_INTERPRETER
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what NumPy, which interprets, says of NaN
@pytest.mark.reliability(5, 21)
@EACH_MODEL
def test_what_is_not_finite_stays_in_its_sequence_and_is_not_hidden(model: str) -> None:
    extremes.test_not_a_number_stays_not_a_number_and_in_its_sequence(interpreted(model))


@NEEDS_INTERPRETER
@EACH_MODEL
def test_lengths_and_empty_batches_are_as_every_backend_has_them(model: str) -> None:
    case = interpreted(model)
    lengths.test_padding_gets_no_gradient_and_gives_none_whatever_stands_in_it(case)
    state.test_no_steps_return_the_state_as_it_was(case)
    state.test_a_batch_of_no_sequences_gives_one(case)


@NEEDS_INTERPRETER
@pytest.mark.reliability(2)
@pytest.mark.slow
@EACH_MODEL
def test_values_and_gradients_are_the_reference_s_at_a_hundred_drawn_shapes(model: str, record_property: Any) -> None:
    record_property("cases", 100)
    compare(interpreted(model), range(100))


@NEEDS_INTERPRETER
@EACH_MODEL
def test_a_second_derivative_is_refused_with_a_backend_that_has_it(model: str) -> None:
    case = interpreted(model)
    given = case.draw(0, **PLAIN[model], steps=1, sequences=1, slots=3, width=2, units=2)
    inputs = given.inputs.requires_grad_()
    outputs = given.on([inputs, *given.tensors[1:]]).run(case.backend).outputs
    with pytest.raises(RuntimeError, match="backend 'triton' has no second derivatives; backend='reference' has"):
        torch.autograd.grad(outputs.sum(), inputs, create_graph=True)


@EACH_MODEL
def test_what_it_cannot_run_is_said_in_a_sentence(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = SCANS[model]["triton"].unsupported_reason
    here: Problem[Any] = Problem(torch.device("cuda"), torch.float32)
    assert "and this backend runs on CUDA devices" in str(reason(dataclasses.replace(here, device=torch.device("cpu"))))
    assert "the numbers are torch.bfloat16" in str(reason(dataclasses.replace(here, dtype=torch.bfloat16)))
    assert "torch.func" in str(reason(dataclasses.replace(here, derivative="torch.func")))
    assert "forward-mode" in str(reason(dataclasses.replace(here, derivative="forward")))
    many = here.sizes._replace(memory_slots=2**19, read_heads=2, write_heads=1)
    monkeypatch.setattr(launch, "find_spec", lambda name: name)
    monkeypatch.setattr(launch, "which", lambda name: name if name == "gcc" else None)
    assert reason(here) is None
    assert "keys of all heads are 2097152 numbers" in str(reason(dataclasses.replace(here, sizes=many)))
    heads = dataclasses.replace(here, sizes=here.sizes._replace(read_heads=6, write_heads=5))
    assert "the model has 11 heads" in str(reason(heads)) if model == "ntm" else reason(heads) is None
    monkeypatch.setattr(launch, "which", lambda name: None)
    assert reason(here) == "Triton needs gcc or clang on PATH"
    monkeypatch.setattr(launch, "find_spec", lambda name: None)
    assert reason(here) == "Triton is not installed: pip install triton"


def test_a_dnc_that_keeps_no_links_is_told_what_to_ask_for() -> None:
    options = drawn.dnc(0).options._replace(sparse_links=0)
    problem = Problem(torch.device("cuda"), torch.float32, options=options)
    assert SCANS["dnc"]["triton"].unsupported_reason(problem) == "sparse_links: expected at least 1, or None"


@NEEDS_TRITON
@pytest.mark.parametrize(
    ("model", "options"),
    [
        pytest.param(model, PLAIN[model] | option, marks=[] if place == 0 else pytest.mark.slow)
        for model in MODELS
        for place, option in enumerate([HARD[model], {}, *OPTIONS[model]])
    ],
)
def test_the_kernels_compile_for_a_gpu_that_need_not_be_there(
    model: str, options: dict[str, Any], tmp_path: Path
) -> None:
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    words = [sys.executable, "-m", "tests.kernels.compile_triton", model, json.dumps(options)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 2


def on_gpu(model: str) -> Case:
    """The backend on a CUDA device, with what it is given and what it gives on the CPU."""
    backend = SCANS[model]["triton"]

    def scan(*given: Any) -> Any:
        inputs, given_state, given_lengths, weights, *rest = given
        scan = drawn.Scan(inputs, given_state, weights, None, None, False, model)
        moved = scan.on([tensor.cuda() for tensor in scan.tensors])
        counts = None if given_lengths is None else given_lengths.cuda()
        outputs, last, states = backend.scan(moved.inputs, moved.state, counts, moved.weights, *rest)
        kind = type(given_state)
        last = kind(*(tensor.cpu() for tensor in last))
        return outputs.cpu(), last, None if states is None else kind(*(tensor.cpu() for tensor in states))

    return Case(model, Backend("triton", lambda problem: None, scan))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("test", SUITE, ids=lambda test: test.__name__)
@EACH_MODEL
def test_on_a_gpu_it_promises_what_every_backend_does(model: str, test: Any) -> None:
    test(on_gpu(model))
