"""What a backend says of itself, and that the suite of what each backend promises finds fault with a wrong one.

The suite itself: test_conformance_*.py.
"""

import inspect
from typing import Any

import pytest
import torch

from tapehead.kernels import SCANS
from tapehead.kernels.backend import Backend, Problem, UnsupportedError, choose
from tests.kernels import test_conformance_extremes as extremes
from tests.kernels import test_conformance_lengths as lengths
from tests.kernels import test_conformance_state as state
from tests.kernels import test_conformance_values as values
from tests.kernels.conformance import EACH_BACKEND
from tests.kernels.oracle import Case


@EACH_BACKEND
def test_a_backend_says_in_a_sentence_what_it_cannot_run_or_runs_it(case: Case) -> None:
    for device in ("cpu", "meta"):
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            reason = case.backend.unsupported_reason(Problem(torch.device(device), dtype))
            assert reason is None or len(reason.split()) > 3


SUITE = [
    function
    for module in (values, state, lengths, extremes)
    for name, function in vars(module).items()
    if name.startswith("test_") and inspect.isfunction(function)
]


@pytest.mark.parametrize("model", SCANS)
def test_the_suite_takes_a_backend_that_only_this_file_knows_and_auto_skips_it_with_its_reason(model: str) -> None:
    here, elsewhere = (Problem(torch.device(device), torch.float32) for device in ("cpu", "meta"))
    third = Backend(
        "third",
        lambda problem: "the tensors lie where it cannot reach" if problem.device.type == "meta" else None,
        choose("auto", here, SCANS[model]).scan,
    )
    backends = {"third": third, **SCANS[model]}
    for test in SUITE:
        test(Case(model, third))
    assert choose("auto", here, backends) is third
    assert choose("auto", elsewhere, backends) is SCANS[model]["reference"]
    with pytest.raises(
        UnsupportedError, match="backend='third' cannot run this: the tensors lie where it cannot reach"
    ):
        choose("third", elsewhere, backends)


@pytest.mark.parametrize("model", SCANS)
def test_the_suite_finds_a_backend_that_is_wrong_by_little(model: str) -> None:
    def scan(*given: Any) -> tuple[Any, Any, Any]:
        outputs, state, states = SCANS[model]["reference"].scan(*given)
        return outputs * (1 + 1e-9), state, states

    wrong = Case(model, Backend("wrong", lambda problem: None, scan))
    with pytest.raises(AssertionError):
        values.test_each_option_alone_gives_the_oracle_s_values_and_gradients(wrong)
