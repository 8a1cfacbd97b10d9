"""The C++ library: where it is, what it needs of torch, what it says of itself, and the workspaces it works in."""

import ctypes
import sys
import threading
import weakref
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SUFFIX = ".dylib" if sys.platform == "darwin" else ".so"
"""What the file of a library ends in here; CMakeLists.txt and torch have the same."""

LIBRARY = Path(__file__).parents[1] / f"libtapehead{SUFFIX}"

LEVEL = 0
"""Which of the instruction sets that this computer has to use, from the best; a test may lower it."""


@cache
def library() -> ctypes.CDLL:
    """Load the library."""
    loaded = ctypes.CDLL(str(LIBRARY))
    loaded.tapehead_level_name.restype = ctypes.c_char_p
    for name in ("max_layers", "checkpoint_interval"):
        getattr(loaded, f"tapehead_{name}").restype = ctypes.c_int64
    for model in ("ntm", "dnc"):
        for name in ("call_size", "scratch_size", "saved_size"):
            getattr(loaded, f"tapehead_{model}_{name}").restype = ctypes.c_int64
    return loaded


@cache
def parallel_for() -> ctypes.c_void_p:
    """Find the function of torch's stable C interface that divides work among torch's threads."""
    torch_cpu = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / f"libtorch_cpu{SUFFIX}"))
    return ctypes.cast(torch_cpu.torch_parallel_for, ctypes.c_void_p)


def _missing() -> str | None:
    if not LIBRARY.exists():
        return (
            "its library was not built: the installation found no C++ compiler, or it failed; "
            "with g++ (12 or later) or clang++ (18 or later) on PATH, install tapehead again"
        )
    try:
        parallel_for()
        return None if library().tapehead_level_name(0) else "the processor is older than x86-64-v2"
    except (OSError, AttributeError) as error:
        return f"its library, or torch's, cannot be loaded: {error}"


MISSING = _missing()
"""Why there is no library to call; None where there is one."""

# Asked once, here: torch.compile reads a constant, and cannot look into a call of the library.
MAX_LAYERS: int = 0 if MISSING else library().tapehead_max_layers()
"""How many layers of a controller the library has places for."""

CHECKPOINT_INTERVAL: int = 1 if MISSING else library().tapehead_checkpoint_interval()
"""The memory is saved for the backward pass once in so many steps."""


def instruction_set() -> str | None:
    """Name the instruction set that the library uses; None where there is no library."""
    if MISSING is not None:
        return None
    name: bytes = library().tapehead_level_name(LEVEL)
    return name.decode()


class Block(NamedTuple):
    """Memory for numbers, and the address where the first of them goes."""

    memory: NDArray[np.uint8]
    address: int


class WorkspacePool:
    """Memory lent for a call and kept for the next: to get fresh pages from the system takes longer than the work."""

    BLOCKS = 3  # a forward or a backward pass needs two at once
    ALIGNMENT = 64

    def __init__(self) -> None:
        """Begin with nothing to lend."""
        self._free: list[Block] = []
        # May be taken again: a tensor can be freed, and its memory come back, inside `take`.
        self._lock = threading.RLock()

    def lend(self, count: int, dtype: torch.dtype) -> Tensor:
        """Lend memory for `count` numbers; it comes back by itself when the last tensor on it is gone."""
        size = count * dtype.itemsize
        block = self.take(size)
        start = block.address - block.memory.ctypes.data
        lease = block.memory[start : start + size]
        weakref.finalize(lease, self.give_back, block)
        return torch.from_numpy(lease).view(dtype)

    def take(self, size: int) -> Block:
        """Lend `size` bytes; whoever takes them gives them back."""
        with self._lock:
            fitting = [block for block in self._free if block.memory.size >= size + self.ALIGNMENT]
            if not fitting:
                self._free = sorted(self._free, key=_size_of)[1:]
                memory = np.empty(size + self.ALIGNMENT, np.uint8)
                return Block(memory, memory.ctypes.data + -memory.ctypes.data % self.ALIGNMENT)
            block = min(fitting, key=_size_of)
            self._free = [other for other in self._free if other is not block]
            return block

    def give_back(self, block: Block) -> None:
        """Keep memory that was lent for the next call."""
        with self._lock:
            if len(self._free) < self.BLOCKS:
                self._free.append(block)


def _size_of(block: Block) -> int:
    return block.memory.size


WORKSPACES = WorkspacePool()
