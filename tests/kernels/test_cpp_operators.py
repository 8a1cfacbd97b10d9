"""A C++ kernel is one node to torch.compile and torch.export, and says no where it cannot follow."""

import dataclasses
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx

from tapehead import NTM
from tapehead.kernels.backend import UnsupportedError
from tapehead.kernels.cpp import library
from tapehead.kernels.dnc_scan import cpp as dnc_cpp
from tapehead.kernels.ntm_scan import cpp as ntm_cpp
from tests.kernels import drawn
from tests.kernels.cpp import NEEDS_LIBRARY
from tests.processes import elsewhere

pytestmark = NEEDS_LIBRARY

MODELS = {"ntm": (drawn.ntm, ntm_cpp), "dnc": (drawn.dnc, dnc_cpp)}
CASES = [(name, seed) for name in MODELS for seed in range(4)]
EACH_MODEL = pytest.mark.parametrize("name", MODELS)


def small(name: str, seed: int, **fixed: object) -> drawn.Scan:
    draw = MODELS[name][0]
    return draw(seed, **({"steps": 3, "sequences": 2, "slots": 5, "width": 3, "units": 4} | fixed))


def operator(name: str, half: str = "") -> Callable[..., list[Tensor]]:
    return getattr(torch.ops.tapehead, f"{name}_scan{half}").default


def arguments(name: str, given: drawn.Scan, grad: bool) -> tuple[object, ...]:
    inputs, *rest = (tensor.clone().requires_grad_(grad) for tensor in given.tensors)
    states = len(given.state)
    own = MODELS[name][1].numbers_of(given.options)
    return inputs, rest[:states], given.lengths, rest[states:], own, given.options.clip, given.keep_states


def outputs_of(given: drawn.Scan) -> Callable[..., Tensor]:
    def outputs(*tensors: Tensor) -> Tensor:
        return dataclasses.replace(given.on(tensors), keep_states=False).run("cpp").outputs

    return outputs


def check_the_operator() -> None:
    for name, seed in CASES:
        torch.library.opcheck(operator(name), arguments(name, small(name, seed), grad=True))


@pytest.mark.reliability(3)
def test_the_operator_passes_torchs_own_checks(record_property: Any) -> None:
    record_property("cases", len(CASES))
    elsewhere(check_the_operator)


def check_its_halves() -> None:
    # Not torch's other checks: what is kept for the backward pass has gaps, with whatever was there before.
    checks = ("test_schema", "test_faketensor")
    for name, seed in CASES:
        given = small(name, seed)
        own = arguments(name, given, grad=False)
        forward = operator(name, "_forward")
        torch.library.opcheck(forward, own, test_utils=checks)
        *results, saved = forward(*own)
        gradients = [torch.ones_like(result) for result in results]
        wanted = [place % 2 == 0 for place in range(len(given.tensors))]
        torch.library.opcheck(operator(name, "_backward"), (*own[:-1], saved, gradients, wanted), test_utils=checks)


@pytest.mark.reliability(3)
def test_its_halves_have_the_shapes_that_they_say(record_property: Any) -> None:
    record_property("cases", len(CASES))
    elsewhere(check_its_halves)


def compare_compiled() -> None:
    for name, seed in CASES:
        given = small(name, seed, keep_states=False)
        results = []
        for scan in (outputs_of(given), torch.compile(outputs_of(given), fullgraph=True)):
            leaves = [tensor.clone().requires_grad_() for tensor in given.tensors]
            outputs = scan(*leaves)
            gradients = torch.autograd.grad(outputs.sum(), leaves, allow_unused=True, materialize_grads=True)
            results.append([outputs, *gradients])
        assert drawn.distance(*results) <= 1e-14


@pytest.mark.reliability(3)
def test_a_compiled_scan_is_the_scan(record_property: Any) -> None:
    record_property("cases", len(CASES))
    elsewhere(compare_compiled)


@EACH_MODEL
def test_what_is_traced_is_the_scan(name: str) -> None:
    given = small(name, 3, keep_states=False, lengths=False)
    scan = outputs_of(given)
    others = [torch.randn_like(tensor) if place == 0 else tensor for place, tensor in enumerate(given.tensors)]
    with torch.no_grad():
        traces = [make_fx(scan, pre_dispatch=early)(*given.tensors) for early in (False, True)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes become constants
            traces.append(torch.jit.trace(scan, tuple(given.tensors)))
        for traced in traces:
            assert torch.equal(traced(*others), scan(*others))


def results_of(scan: Callable[..., Tensor], given: drawn.Scan) -> list[Tensor]:
    leaves = [tensor.clone().requires_grad_() for tensor in given.tensors]
    for place, leaf in enumerate(leaves[: 1 + len(given.state)]):
        torch._dynamo.mark_dynamic(leaf, [0, 1] if place == 0 else 0)
    outputs = scan(*leaves)
    gradients = torch.autograd.grad(outputs.sum(), leaves, allow_unused=True, materialize_grads=True)
    return [outputs, *gradients]


def compare_compiled_at_other_sizes() -> None:
    for name in MODELS:
        fixed = {"keep_states": False, "lengths": False, "contiguous": True, "layers": 2, "controller": "lstm"}
        scan = outputs_of(small(name, 0, **fixed))
        torch.compiler.reset()
        compilations = CompileCounterWithBackend("aot_eager")
        compiled = torch.compile(scan, backend=compilations, fullgraph=True)
        for steps, sequences in ((3, 2), (9, 5), (17, 3)):
            given = small(name, 0, steps=steps, sequences=sequences, **fixed)
            assert drawn.distance(results_of(compiled, given), results_of(scan, given)) == 0
        assert compilations.frame_count == 1


@pytest.mark.reliability(3)
def test_a_compiled_scan_takes_other_time_steps_and_sequences_without_being_compiled_again() -> None:
    elsewhere(compare_compiled_at_other_sizes)


def compare_exported() -> None:
    for name, seed in CASES:
        given = small(name, seed, keep_states=False, lengths=False)

        class Machine(torch.nn.Module):
            def forward(self, inputs: Tensor, given: drawn.Scan = given) -> Tensor:
                return outputs_of(given)(inputs, *given.tensors[1:])

        program = torch.export.export(Machine(), (given.inputs,))
        scans = [node for node in program.graph.nodes if node.target is operator(name)]
        assert len(scans) == 1
        assert torch.equal(program.module()(given.inputs), Machine()(given.inputs))


@pytest.mark.reliability(3)
def test_an_exported_scan_has_one_node(record_property: Any) -> None:
    record_property("cases", len(CASES))
    elsewhere(compare_exported)


def compare_exported_model() -> None:
    model, inputs = NTM(5, 3, hidden_size=6, memory_slots=9, memory_width=4), torch.rand(4, 2, 5)
    program = torch.export.export(model, (inputs,))
    calls = [node.target for node in program.graph.nodes if node.op == "call_function"]
    assert calls.count(torch.ops.tapehead.ntm_scan.default) == 1
    assert not [node for node in program.graph.nodes if node.op == "call_module"]
    assert torch.equal(program.module()(inputs)[0], model(inputs)[0])


@pytest.mark.reliability(3)
def test_a_whole_model_exports_with_one_node_for_all_steps() -> None:
    elsewhere(compare_exported_model)


def seconds_to_compile(name: str, steps: int) -> float:
    given = small(name, 0, steps=steps, keep_states=False, lengths=False)
    torch.compiler.reset()
    begin = time.process_time()
    torch.compile(outputs_of(given), fullgraph=True)(*given.tensors)
    return time.process_time() - begin


def compare_times_to_compile() -> None:
    for name in MODELS:
        seconds_to_compile(name, 20)  # whatever is only done once
        # in turns, as other work on the computer comes and goes
        times = [[seconds_to_compile(name, steps) for steps in (500, 20)] for _ in range(5)]
        long, short = map(min, zip(*times, strict=True))
        assert long <= 1.2 * short


@pytest.mark.reliability(3)
@pytest.mark.slow
def test_the_time_to_compile_does_not_grow_with_the_steps() -> None:
    elsewhere(compare_times_to_compile)


@EACH_MODEL
def test_the_transforms_of_torch_func_are_left_to_the_reference(name: str) -> None:
    given = small(name, 0, keep_states=False)

    def loss(inputs: Tensor, backend: str) -> Tensor:
        return dataclasses.replace(given, inputs=inputs).run(backend).outputs.sum()

    with pytest.raises(UnsupportedError, match=r"torch\.func"):
        torch.func.grad(loss)(given.inputs, "cpp")
    leaf = given.inputs.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(leaf, "cpp"), leaf)
    torch.testing.assert_close(torch.func.grad(loss)(given.inputs, "auto"), expected)


@EACH_MODEL
@pytest.mark.parametrize("power", [1, 2])
def test_a_second_derivative_is_refused(name: str, power: int) -> None:
    given = small(name, 0, keep_states=False)
    leaves = [tensor.clone().requires_grad_() for tensor in given.tensors]
    loss = outputs_of(given)(*leaves).pow(power).sum()
    with pytest.raises(RuntimeError, match="backend 'cpp' has no second derivatives; backend='reference' has"):
        torch.autograd.grad(loss, leaves[:1], create_graph=True)


@EACH_MODEL
def test_under_autocast_the_weights_format_holds(name: str) -> None:
    given = small(name, 0, keep_states=False)
    tensors = [tensor.float() for tensor in given.tensors]
    expected = outputs_of(given)(*tensors)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(outputs_of(given)(*tensors), expected)


@EACH_MODEL
def test_a_library_that_is_not_there_is_refused_with_a_reason(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "MISSING", "its library was not built, because the installation found no C++ compiler")
    given = small(name, 0)
    with pytest.raises(UnsupportedError, match=r"no C\+\+ compiler"):
        drawn.results(given, "cpp")
    assert isinstance(given.run("auto").state, type(given.state))


def test_numbers_that_are_only_marked_as_negative_are_read_as_they_are() -> None:
    model, inputs = NTM(2, 3, hidden_size=5, memory_slots=7, memory_width=4), torch.rand(4, 2, 2)
    outputs, _ = model(-inputs)
    marked, _ = model(torch._neg_view(inputs))
    assert torch.equal(marked, outputs)
    slopes = torch.rand_like(outputs)
    weights = list(model.parameters())
    expected = torch.autograd.grad(outputs, weights, -slopes)
    found = torch.autograd.grad(marked, weights, torch._neg_view(slopes))
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # torch's own, of what it writes its derivatives in
def test_forward_mode_derivatives_are_left_to_the_reference() -> None:
    model, inputs = NTM(2, 3, hidden_size=5, memory_slots=7, memory_width=4), torch.rand(4, 2, 2)
    kernel = NTM(2, 3, hidden_size=5, memory_slots=7, memory_width=4, backend="cpp")
    with torch.no_grad(), forward_ad.dual_level():
        dual = forward_ad.make_dual(inputs, torch.ones_like(inputs))
        tangent = forward_ad.unpack_dual(model(dual)[0]).tangent
        with pytest.raises(UnsupportedError, match="forward-mode"):
            kernel(dual)
    assert tangent is not None
    assert bool(tangent.any())
