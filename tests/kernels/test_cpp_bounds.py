"""The C++ kernels keep to their own memory, and read nothing before it is written (RELIABILITY 15: `make sanitize`)."""

from typing import Any

import pytest
import torch

from tapehead.kernels.cpp import library
from tests.kernels import drawn
from tests.kernels.cpp import EACH_MODEL, NEEDS_LIBRARY, DirtyWorkspaces, Drawing

pytestmark = [NEEDS_LIBRARY, pytest.mark.reliability(15)]


class FreshWorkspaces(DirtyWorkspaces):
    """Memory of just the size that was asked for, so that a sanitizer sees every step beyond its end."""

    def take(self, size: int) -> library.Block:
        place = torch.empty(size, dtype=torch.uint8).fill_(0xFF).numpy()
        assert place.ctypes.data % self.ALIGNMENT == 0  # as torch has it
        return library.Block(place, place.ctypes.data)

    def give_back(self, block: library.Block) -> None:
        """Let it go."""


def stay_in_bounds(draw: Drawing, seeds: range) -> None:
    for seed in seeds:
        given = draw(seed)
        for dtype in (torch.float64, torch.float32):
            for grad in (True, False):
                found = drawn.results(given, "cpp", dtype, grad=grad)
                assert all(bool(torch.isfinite(tensor).all()) for tensor in found), f"seed {seed}, {dtype}, {grad=}"


@pytest.fixture(autouse=True)
def workspaces_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "WORKSPACES", FreshWorkspaces())


@EACH_MODEL
def test_the_kernel_stays_within_its_memory(draw: Drawing, record_property: Any) -> None:
    record_property("cases", 20)
    stay_in_bounds(draw, range(1000, 1020))


@EACH_MODEL
@pytest.mark.slow
@pytest.mark.parametrize("level", [1, 2])
def test_every_instruction_set_stays_within_its_memory(
    draw: Drawing, level: int, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    record_property("cases", 100)
    if library.library().tapehead_level_name(level) is None:
        pytest.skip("this computer has no such level")
    monkeypatch.setattr(library, "LEVEL", level)
    stay_in_bounds(draw, range(500, 600))


@EACH_MODEL
@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 500, 50))
def test_the_kernel_stays_within_its_memory_at_500_drawn_shapes(
    draw: Drawing, first: int, record_property: Any
) -> None:
    record_property("cases", 50)
    stay_in_bounds(draw, range(first, first + 50))
