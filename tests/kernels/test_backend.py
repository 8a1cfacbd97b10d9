"""Which backend runs a problem: the one that was asked for, or the first that can."""

from typing import Any

import pytest
import torch

import tapehead
from tapehead.kernels import SCANS
from tapehead.kernels.backend import Backend, Problem, Sizes, UnsupportedError, choose, derivative_of
from tests.kernels import drawn

PROBLEM: Problem[Any] = Problem(torch.device("cpu"), torch.float32)


def backend(name: str, reason: str | None) -> Backend[Any, Any, Any]:
    return Backend(name, lambda problem: reason, lambda *given: given)


BACKENDS = {"fast": backend("fast", "it is Sunday"), "slow": backend("slow", None)}


def test_auto_takes_the_first_backend_that_can() -> None:
    assert choose("auto", PROBLEM, BACKENDS) is BACKENDS["slow"]


def test_a_backend_asked_for_by_name_runs_or_says_why_not() -> None:
    assert choose("slow", PROBLEM, BACKENDS) is BACKENDS["slow"]
    with pytest.raises(UnsupportedError, match="backend='fast' cannot run this: it is Sunday"):
        choose("fast", PROBLEM, BACKENDS)


def test_where_none_can_each_says_why() -> None:
    with pytest.raises(UnsupportedError, match="no backend can run this: fast: it is Sunday"):
        choose("auto", PROBLEM, {"fast": BACKENDS["fast"]})


@pytest.mark.parametrize("model", SCANS)
def test_each_backend_goes_by_its_name_and_the_reference_runs_everything(model: str) -> None:
    assert all(backend.name == name for name, backend in SCANS[model].items())
    untried = ["triton"] if "triton" in SCANS[model] else []  # for those who ask for it, until it has run on a GPU
    assert list(SCANS[model]) == ["cpp", "reference", *untried]
    for device in ("cpu", "meta"):
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            problem: Problem[Any] = Problem(torch.device(device), dtype)
            assert SCANS[model]["reference"].unsupported_reason(problem) is None


def test_the_list_of_backends_has_every_model_s_with_the_reason_why_one_cannot_run() -> None:
    found = tapehead.backends()
    assert {model: list(own) for model, own in found.items()} == {model: list(own) for model, own in SCANS.items()}
    assert all(own["reference"] is None for own in found.values())
    assert all("the tensors are on meta" in str(own["cpp"]) for own in tapehead.backends("meta").values())
    assert all(
        "the numbers are torch.float16" in str(own["cpp"]) for own in tapehead.backends(dtype=torch.float16).values()
    )
    with pytest.raises(ValueError, match="device: expected"):
        tapehead.backends("abacus")


@pytest.mark.parametrize("draw", [drawn.ntm, drawn.dnc])
def test_a_problem_knows_its_sizes_its_options_and_whether_a_gradient_is_wanted(draw: Any) -> None:
    given = draw(
        0, steps=7, sequences=3, slots=11, width=5, reads=2, writes=4, units=8, layers=3, controller="lstm",
        channels=9, outputs=2, contiguous=True,
    )  # fmt: skip
    sizes = Sizes(
        time_steps=7, sequences=3, input_size=9, output_size=2, memory_slots=11, memory_width=5, read_heads=2,
        write_heads=4, hidden_size=8, num_layers=3,
    )  # fmt: skip
    assert given.problem == Problem(torch.device("cpu"), torch.float64, sizes, given.options, "none")
    given.weights.output_bias.requires_grad_()
    assert given.problem.derivative == "backward"
    with torch.no_grad():
        assert given.problem.derivative == "none"


def test_a_transform_of_torch_func_is_seen() -> None:
    seen = []

    def square(number: torch.Tensor) -> torch.Tensor:
        seen.append(derivative_of([number]))
        return number**2

    torch.func.grad(square)(torch.tensor(3.0))
    assert seen == ["torch.func"]
