"""A call of a C++ scan: torch's tensors as pointers, in the order of src/call.h."""

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from tapehead.kernels.backend import Sizes
from tapehead.kernels.cpp import library


@cache
def structure_of(name: str, options: int, state_tensors: int) -> type[ctypes.Structure]:
    """Make the type of a model's calls: the fields of src/call.h, which says what they are, in the same order."""
    state = ctypes.c_void_p * state_tensors
    tensors = ("weights", "weight_gradients", "input", "input_gradient", "lengths", "output")
    fields = [
        *((size, ctypes.c_int64) for size in Sizes._fields),
        ("options", ctypes.c_int64 * options),
        ("threads", ctypes.c_int64),
        ("clip", ctypes.c_double),
        *((tensor, ctypes.c_void_p) for tensor in tensors),
        ("initial_state", ctypes.c_int64 * (2 * state_tensors)),
        *((tensors, state) for tensors in ("final_state", "states", "initial_state_gradient")),
        ("saved_for_backward", ctypes.c_void_p),
        ("scratch", ctypes.c_void_p),
    ]
    return type(f"{name}_call", (ctypes.Structure,), {"_fields_": fields})


def new_call(name: str, state_tensors: int, sizes: Sizes, options: Sequence[int], clip: float | None) -> Any:
    """Begin a call of a model's scan: sizes and options are in it, and all pointers null."""
    structure = structure_of(name, len(options), state_tensors)
    numbers = (ctypes.c_int64 * len(options))(*options)
    return structure(*sizes, numbers, torch.get_num_threads(), math.inf if clip is None else clip)


def address_of(tensor: Tensor | None) -> int | None:
    """Where a tensor's numbers are."""
    return None if tensor is None else tensor.data_ptr()


def addresses_of(tensors: Sequence[Tensor | None]) -> ctypes.Array[ctypes.c_void_p]:
    """Where many tensors' numbers are."""
    return (ctypes.c_void_p * len(tensors))(*map(address_of, tensors))


def rows_of(tensors: Sequence[tuple[Tensor, int]]) -> ctypes.Array[ctypes.c_int64]:
    """Where many tensors' numbers are, and the stride from a sequence's to the next one's."""
    numbers = [number for tensor, stride in tensors for number in (tensor.data_ptr(), stride)]
    return (ctypes.c_int64 * len(numbers))(*numbers)


def enter(name: str, direction: str, call: Any, dtype: torch.dtype) -> None:
    """Give a call of a model's scan the memory that it works in, and make it."""
    scratch_size, run = _functions(library.library(), name, direction)
    pointer, precision = ctypes.byref(call), (library.LEVEL, dtype == torch.float64)
    scratch = library.WORKSPACES.take(scratch_size(*precision, direction == "backward", pointer) * dtype.itemsize)
    try:
        call.scratch = scratch.address
        run(*precision, pointer, library.parallel_for())
    finally:
        library.WORKSPACES.give_back(scratch)


@cache
def _functions(loaded: ctypes.CDLL, name: str, direction: str) -> tuple[Callable[..., int], Callable[..., Any]]:
    """Find a model's functions: how many numbers of scratch memory a call needs, and what makes it."""
    return getattr(loaded, f"tapehead_{name}_scratch_size"), getattr(loaded, f"tapehead_{name}_{direction}")
