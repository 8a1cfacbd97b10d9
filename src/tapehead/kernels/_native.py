"""The library of C++ kernels: where it is, what it needs of torch, and the room that it works in."""

import ctypes
import threading
import weakref
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LIBRARY = Path(__file__).with_name("libtapehead.so")

LEVEL = 0
"""Which of the instruction sets to use that this machine has, from the best; a test may lower it."""


@cache
def library() -> ctypes.CDLL:
    """Load the library."""
    loaded = ctypes.CDLL(str(LIBRARY))
    loaded.tapehead_level_name.restype = ctypes.c_char_p
    for machine in ("ntm", "dnc"):
        for size in ("scratch", "kept"):
            getattr(loaded, f"tapehead_{machine}_{size}").restype = ctypes.c_int64
    return loaded


@cache
def parallel_for() -> ctypes.c_void_p:
    """Find the function of torch's stable C interface that spreads work over torch's threads."""
    torch_cpu = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
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


def instruction_set() -> str | None:
    """Name the instruction set that the kernels use; None where there are no kernels."""
    if MISSING is not None:
        return None
    name: bytes = library().tapehead_level_name(LEVEL)
    return name.decode()


class Block(NamedTuple):
    """Room for numbers, and where the first of them goes."""

    place: NDArray[np.uint8]
    address: int


class Room:
    """Room lent out for a call and kept for the next: to get fresh pages from the system takes longer than the work."""

    BLOCKS = 3  # a forward or a backward pass needs two at once
    ALIGNMENT = 64

    def __init__(self) -> None:
        """Begin with nothing to lend."""
        self._spare: list[Block] = []
        self._lock = threading.RLock()  # may be taken again: a tensor can be freed, and its room come back, inside take

    def lend(self, count: int, dtype: torch.dtype) -> Tensor:
        """Lend room for `count` numbers; it comes back by itself when the last tensor on it is gone."""
        size = count * dtype.itemsize
        block = self.take(size)
        start = block.address - block.place.ctypes.data
        lease = block.place[start : start + size]
        weakref.finalize(lease, self.give_back, block)
        return torch.from_numpy(lease).view(dtype)

    def take(self, size: int) -> Block:
        """Lend room of `size` bytes; whoever takes it gives it back."""
        with self._lock:
            fitting = [block for block in self._spare if block.place.size >= size + self.ALIGNMENT]
            if not fitting:
                self._spare = sorted(self._spare, key=_size_of)[1:]
                place = np.empty(size + self.ALIGNMENT, np.uint8)
                return Block(place, place.ctypes.data + -place.ctypes.data % self.ALIGNMENT)
            block = min(fitting, key=_size_of)
            self._spare = [other for other in self._spare if other is not block]
            return block

    def give_back(self, block: Block) -> None:
        """Keep room that was lent for the next who wants some."""
        with self._lock:
            if len(self._spare) < self.BLOCKS:
                self._spare.append(block)


def _size_of(block: Block) -> int:
    return block.place.size


ROOM = Room()
