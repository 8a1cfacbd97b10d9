"""The checks of oracle.py and spoiled.py find fault with what is wrong, and with nothing else."""

from typing import Any

import numpy as np
import pytest

from tapehead.kernels import SCANS
from tapehead.kernels.backend import Backend
from tests.kernels.oracle import Case, check_float32_errors
from tests.kernels.spoiled import assert_no_more_overflow

EACH_MODEL = pytest.mark.parametrize("model", SCANS)
HALVES = {"values": 0, "gradients": 1}
EACH_HALF = pytest.mark.parametrize("half", HALVES)
EACH_COUNT = pytest.mark.parametrize("shapes", [20, 300, 1000])


def float32_errors(shapes: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Draw errors of two backends that are equally accurate: (shape, values or gradients, backend or oracle)."""
    own = np.random.default_rng(0).lognormal(np.log(3e-7), 1, (shapes, 2))
    return np.stack([own[::-1], own], axis=-1)


@EACH_MODEL
@EACH_COUNT
def test_a_backend_as_accurate_as_its_oracle_passes(model: str, shapes: int) -> None:
    check_float32_errors(model, float32_errors(shapes).tolist())


@EACH_MODEL
@EACH_COUNT
@EACH_HALF
def test_one_bad_shape_among_many_is_found(model: str, shapes: int, half: str) -> None:
    errors = float32_errors(shapes)
    errors[shapes // 2, HALVES[half], 0] = {"ntm": 1e-3, "dnc": 2.0}[model]
    with pytest.raises(AssertionError, match=f"float32 {half}, largest"):
        check_float32_errors(model, errors.tolist())


@EACH_MODEL
@EACH_COUNT
@EACH_HALF
@pytest.mark.parametrize("times", [2, 4])
def test_a_backend_that_is_less_accurate_throughout_is_found(model: str, shapes: int, half: str, times: int) -> None:
    errors = float32_errors(shapes)
    errors[:, HALVES[half], 0] *= times
    with pytest.raises(AssertionError, match=f"float32 {half}, 50 %"):
        check_float32_errors(model, errors.tolist())


@EACH_MODEL
def test_a_backend_whose_gradients_overflow_sooner_is_found(model: str) -> None:
    def scan(inputs: Any, state: Any, *rest: Any) -> tuple[Any, Any, Any]:
        result: tuple[Any, Any, Any] = SCANS[model]["reference"].scan(inputs / 1e8 * 1e8, state, *rest)
        return result

    sooner = Case(model, Backend("sooner", lambda problem: None, scan))
    with pytest.raises(AssertionError, match="overflow, and with the reference"):
        assert_no_more_overflow(sooner, 20)


@EACH_MODEL
def test_to_compare_with_a_reference_that_hardly_overflows_is_no_test(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.kernels.spoiled.LARGE_WEIGHTS", 1.0)
    with pytest.raises(AssertionError, match="of 20, only . overflow with the reference"):
        assert_no_more_overflow(Case(model, SCANS[model]["reference"]), 20)
