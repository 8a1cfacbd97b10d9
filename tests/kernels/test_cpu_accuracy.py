"""The fused CPU kernels compute what the reference computes (RELIABILITY 2), at sizes and options drawn at random.

Held to the reference in float64, a kernel may be off by 1e-12 in float64, and in float32 by twice what the reference in
float32 is off by, and 1e-6. A few of the machines drawn are chaotic: what one run is off by is luck there, and the
reference itself, on numbers moved by a unit in their last place, is off by far more or less. A kernel is excused where
it is off by no more than twice what some such run of the reference is (and 1e-6), and the excuses are counted.
"""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tapehead.kernels import _native
from tests.kernels import drawn
from tests.kernels.cpu import EACH_MACHINE, NEEDS_LIBRARY, Drawing, room_is_dirty  # noqa: F401  (a fixture)

pytestmark = NEEDS_LIBRARY

EXACT = {torch.float64: 1e-12, torch.float32: 1e-6}
MOVED_RUNS = 40
MOST_EXCUSED = 0.025  # of the machines drawn, and two


def judge(draw: Drawing, seed: int) -> bool:
    """Whether the kernel needs an excuse for what it made of a machine; that it has none is an error."""
    given = draw(seed)
    expected = drawn.answer(given, "reference")
    excused = False
    for dtype, exact in EXACT.items():
        error = drawn.distance(drawn.answer(given, "cpu", dtype), expected)
        own = drawn.distance(drawn.answer(given, "reference", dtype), expected)
        if not error <= 2 * own + exact:
            others = errors_of_moved_runs(given, dtype, expected)
            assert any(error <= 2 * other + exact for other in others), (
                f"seed {seed}, {dtype}: {error:.1e}, not {own:.1e}"
            )
            excused = True
    return excused


def errors_of_moved_runs(given: drawn.Scan, dtype: torch.dtype, expected: list[Tensor]) -> Iterator[float]:
    """How far the reference is off on numbers moved by a unit in their last place, run by run."""
    generator, unit = torch.Generator().manual_seed(0), torch.finfo(dtype).eps

    def moved(tensor: Tensor) -> Tensor:
        return tensor * (1 + unit * torch.randint(-1, 2, tensor.shape, generator=generator, dtype=tensor.dtype))

    for _ in range(MOVED_RUNS):
        scan = given.on([moved(tensor) for tensor in given.tensors])
        yield drawn.distance(drawn.answer(scan, "reference", dtype), expected)


def judge_all(draw: Drawing, seeds: range) -> None:
    excused = [seed for seed in seeds if judge(draw, seed)]
    assert len(excused) <= 2 + MOST_EXCUSED * len(seeds), f"excused: {excused}"


@EACH_MACHINE
@pytest.mark.parametrize("first", range(0, 60, 20))
def test_the_kernel_equals_the_reference(draw: Drawing, first: int) -> None:
    judge_all(draw, range(first, first + 20))


@EACH_MACHINE
@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 1000, 200))
def test_the_kernel_equals_the_reference_at_a_thousand_drawn_shapes(draw: Drawing, first: int) -> None:
    judge_all(draw, range(first, first + 200))


@EACH_MACHINE
@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_instruction_set_equals_the_reference(draw: Drawing, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if _native.library().tapehead_level_name(level) is None:
        pytest.skip("this machine has no such level")
    monkeypatch.setattr(_native, "LEVEL", level)
    judge_all(draw, range(15))
