"""The C++ kernels keep to their own memory, and read nothing before it is written (RELIABILITY 15: `make sanitize`)."""

import pytest
import torch

from tapehead.kernels import _native
from tests.kernels import drawn
from tests.kernels.cpu import EACH_MACHINE, NEEDS_LIBRARY, DirtyRoom, Drawing

pytestmark = NEEDS_LIBRARY


class FreshRoom(DirtyRoom):
    """Room of just the size that was asked for, so that a sanitizer sees every step beyond its end."""

    def take(self, size: int) -> _native.Block:
        place = torch.empty(size, dtype=torch.uint8).fill_(0xFF).numpy()
        assert place.ctypes.data % self.ALIGNMENT == 0  # as torch has it
        return _native.Block(place, place.ctypes.data)

    def give_back(self, block: _native.Block) -> None:
        """Let it go."""


def stay_in_bounds(draw: Drawing, seeds: range) -> None:
    for seed in seeds:
        given = draw(seed)
        for dtype in (torch.float64, torch.float32):
            for grad in (True, False):
                found = drawn.answer(given, "cpu", dtype, grad=grad)
                assert all(bool(torch.isfinite(tensor).all()) for tensor in found), f"seed {seed}, {dtype}, {grad=}"


@pytest.fixture(autouse=True)
def room_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "ROOM", FreshRoom())


@EACH_MACHINE
def test_the_kernel_stays_within_its_memory(draw: Drawing) -> None:
    stay_in_bounds(draw, range(1000, 1020))


@EACH_MACHINE
@pytest.mark.slow
@pytest.mark.parametrize("level", [1, 2])
def test_every_instruction_set_stays_within_its_memory(
    draw: Drawing, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if _native.library().tapehead_level_name(level) is None:
        pytest.skip("this machine has no such level")
    monkeypatch.setattr(_native, "LEVEL", level)
    stay_in_bounds(draw, range(500, 600))


@EACH_MACHINE
@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 500, 50))
def test_the_kernel_stays_within_its_memory_at_500_drawn_shapes(draw: Drawing, first: int) -> None:
    stay_in_bounds(draw, range(first, first + 50))
