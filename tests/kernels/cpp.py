"""What the tests of the C++ kernels share: the models, and memory full of NaN for them to work in."""

from collections.abc import Callable

import pytest

from tapehead.kernels.cpp import library
from tests.kernels import drawn

NEEDS_LIBRARY = pytest.mark.skipif(library.MISSING is not None, reason=str(library.MISSING))

Drawing = Callable[..., drawn.Scan]
MODELS: dict[str, Drawing] = {"ntm": drawn.ntm, "dnc": drawn.dnc}
EACH_MODEL = pytest.mark.parametrize("draw", MODELS.values(), ids=MODELS)


class DirtyWorkspaces(library.WorkspacePool):
    """Memory full of NaN: what the kernel reads before it writes it shows."""

    def take(self, size: int) -> library.Block:
        block = super().take(size)
        block.memory.fill(0xFF)  # NaN in float32 and in float64
        return block


@pytest.fixture(autouse=True)
def workspaces_are_dirty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "WORKSPACES", DirtyWorkspaces())
