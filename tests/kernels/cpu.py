"""What the tests of the C++ kernels share: the machines, and memory full of NaN for them to work in."""

from collections.abc import Callable

import pytest

from tapehead.kernels import _native
from tests.kernels import drawn

NEEDS_LIBRARY = pytest.mark.skipif(_native.MISSING is not None, reason=str(_native.MISSING))

Drawing = Callable[..., drawn.Scan]
MACHINES: dict[str, Drawing] = {"ntm": drawn.scan, "dnc": drawn.dnc}
EACH_MACHINE = pytest.mark.parametrize("draw", MACHINES.values(), ids=MACHINES)


class DirtyRoom(_native.Room):
    """Room full of NaN: what the kernel reads before it writes it shows."""

    def take(self, size: int) -> _native.Block:
        block = super().take(size)
        block.place.fill(0xFF)  # NaN in float32 and in float64
        return block


@pytest.fixture(autouse=True)
def room_is_dirty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "ROOM", DirtyRoom())
