"""The kernel's exp, log, tanh and their kin, against the next longer number format."""

import ctypes
from collections.abc import Callable

import numpy as np
import pytest

from tapehead.kernels.cpp import library
from tests.kernels.cpp import NEEDS_LIBRARY

pytestmark = NEEDS_LIBRARY

Function = Callable[[np.ndarray], np.ndarray]
FUNCTIONS: dict[str, tuple[int, Function]] = {
    "exp": (0, np.exp),
    "log": (1, np.log),
    "tanh": (2, np.tanh),
    "sigmoid": (3, lambda x: 1 / (1 + np.exp(-x))),
    "softplus": (4, lambda x: np.where(x > 20, x, np.log1p(np.exp(x)))),
    "softplus_slope": (5, lambda x: np.where(x > 20, 1, 1 / (1 + np.exp(-x)))),
}
LAST_PLACES = 3  # allowed error, in units of the last place


def tabulate(level: int, name: str, numbers: np.ndarray) -> np.ndarray:
    result = np.empty_like(numbers)
    library.library().tapehead_tabulate(
        level,
        numbers.dtype == np.float64,
        FUNCTIONS[name][0],
        ctypes.c_int64(numbers.size),
        numbers.ctypes.data_as(ctypes.c_void_p),
        result.ctypes.data_as(ctypes.c_void_p),
    )
    return result


def numbers_for(name: str, dtype: type[np.floating]) -> np.ndarray:
    generator = np.random.default_rng(0)
    sizes = np.exp(generator.uniform(-20, np.log(80), 100_001))
    if name == "log":
        near_one = 1 + generator.uniform(-0.5, 0.5, 50_000)
        return np.concatenate([near_one, np.exp(generator.uniform(-80, 80, 50_001)), [1.0]]).astype(dtype)
    return (-sizes if name == "exp" else sizes * generator.choice([-1, 1], sizes.size)).astype(dtype)


@pytest.mark.parametrize("level", range(3))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_right_to_the_last_places(name: str, dtype: type[np.floating], level: int) -> None:
    if library.library().tapehead_level_name(level) is None:
        pytest.skip("this computer has no such level")
    if dtype is np.float64 and np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
        pytest.skip("there is no longer format than float64 here to compare with")
    numbers = numbers_for(name, dtype)
    exact = FUNCTIONS[name][1](numbers.astype(np.float64 if dtype is np.float32 else np.longdouble))
    last_place = np.spacing(np.abs(exact).astype(dtype)).astype(exact.dtype)
    assert (np.abs(tabulate(level, name, numbers) - exact) / last_place).max() <= LAST_PLACES


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"log"}))
def test_a_function_stays_within_its_bounds_far_out(name: str, dtype: type[np.floating]) -> None:
    largest = np.finfo(dtype).max
    numbers = np.array([-np.inf, -largest, -1000, 1000, largest, np.inf], dtype=dtype)[: 3 if name == "exp" else 6]
    with np.errstate(over="ignore"):
        exact = FUNCTIONS[name][1](numbers)
    np.testing.assert_allclose(tabulate(0, name, numbers), exact, rtol=1e-6, atol=np.finfo(dtype).tiny * 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"log", "softplus_slope"}))
def test_not_a_number_stays_not_a_number(name: str, dtype: type[np.floating]) -> None:
    assert np.isnan(tabulate(0, name, np.array([np.nan, 0, np.nan], dtype=dtype))).tolist() == [True, False, True]
