"""A call of a C++ scan: torch's tensors as pointers, in the order of native/call.h."""

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from tapehead.kernels import _native
from tapehead.kernels._machine import Machine, Sizes


@cache
def structure_of(machine: Machine) -> type[ctypes.Structure]:
    """Make the type of a machine's calls: the fields of native/call.h, which says what they are, in the same order."""
    count = len(machine.state_fields)
    state = ctypes.c_void_p * count
    tensors = ("weights", "weight_gradients", "input", "input_gradient", "lengths", "output")
    fields = [
        *((name, ctypes.c_int64) for name in Sizes._fields if name != "options"),
        ("options", ctypes.c_int64 * machine.options),
        ("threads", ctypes.c_int64),
        ("clip", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in tensors),
        ("first", ctypes.c_int64 * (2 * count)),
        *((name, state) for name in ("last", "states", "first_gradient")),
        ("kept", ctypes.c_void_p),
        ("scratch", ctypes.c_void_p),
    ]
    return type(f"{machine.name}_call", (ctypes.Structure,), {"_fields_": fields})


def new_call(machine: Machine, sizes: Sizes, clip: float | None) -> Any:
    """Begin a call: sizes and options are in it, and all pointers null."""
    options = (ctypes.c_int64 * machine.options)(*sizes.options)
    return structure_of(machine)(*sizes[:-1], options, torch.get_num_threads(), math.inf if clip is None else clip)


def at(tensor: Tensor | None) -> int | None:
    """Where a tensor's numbers are."""
    return None if tensor is None else tensor.data_ptr()


def pointers(tensors: Sequence[Tensor | None]) -> ctypes.Array[ctypes.c_void_p]:
    """Where many tensors' numbers are."""
    return (ctypes.c_void_p * len(tensors))(*map(at, tensors))


def rows(tensors: Sequence[tuple[Tensor, int]]) -> ctypes.Array[ctypes.c_int64]:
    """Where many tensors' numbers are, and how far apart those of two sequences."""
    numbers = [number for tensor, apart in tensors for number in (tensor.data_ptr(), apart)]
    return (ctypes.c_int64 * len(numbers))(*numbers)


def enter(machine: Machine, direction: str, call: Any, dtype: torch.dtype) -> None:
    """Give a call the room that it works in, and make it."""
    size_of_scratch, run = _functions(_native.library(), machine, direction)
    pointer, precision = ctypes.byref(call), (_native.LEVEL, dtype == torch.float64)
    scratch = _native.ROOM.take(size_of_scratch(*precision, direction == "backward", pointer) * dtype.itemsize)
    try:
        call.scratch = scratch.address
        run(*precision, pointer, _native.parallel_for())
    finally:
        _native.ROOM.give_back(scratch)


@cache
def _functions(library: ctypes.CDLL, machine: Machine, direction: str) -> tuple[Callable[..., int], Callable[..., Any]]:
    """Find a machine's functions: how many numbers of scratch room a call needs, and what makes it."""
    name = f"tapehead_{machine.name}"
    return getattr(library, f"{name}_scratch"), getattr(library, f"{name}_{direction}")
