"""Whether Triton can run a problem, and how its kernels are launched."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from math import prod
from shutil import which
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tapehead.kernels.backend import Problem, unsupported_controller

EVERY = 8
"""The memory is kept at every so many time steps; the backward pass computes what lies between again."""

TILE, COLUMNS = 4096, 128
"""The most numbers of a tile, and the most columns of a tile of weights; a test may change them."""

ALIGNMENT = 64
"""Each tensor in an allocation begins at a multiple of so many numbers: Triton compiles unaligned ones separately."""

MOST_NUMBERS = 2**16
"""The most numbers of all heads' weightings, which are held at once."""


class Blocks(NamedTuple):
    """The sizes of tiles; all are powers of 2, as Triton demands.

    Of weights a tile has `rows` x `columns` numbers, of the memory `slots` rows of the whole width, of what is between
    pairs of slots `links` whole rows.
    """

    rows: int
    columns: int
    slots: int
    links: int


def power(number: int) -> int:
    """Give the next power of 2."""
    return 1 << max(number - 1, 0).bit_length()


def choose_blocks(columns: int, slots: int, width: int) -> Blocks:
    """Choose the sizes of tiles.

    Args:
        columns: The most columns of a matrix of weights.
        slots: N, the number of memory slots.
        width: W, the width of a slot.
    """
    block = min(COLUMNS, power(columns))
    rows_of_memory, rows_of_links = (max(1, min(power(slots), TILE // power(row))) for row in (width, slots))
    return Blocks(max(1, TILE // block), block, rows_of_memory, rows_of_links)


def unsupported_reason(problem: Problem[Any]) -> str | None:
    """Say why no Triton kernel can run a problem; None where one can, unless its model has reasons of its own."""
    return next(_reasons(problem), None) or unsupported_controller(problem)


def _reasons(problem: Problem[Any]) -> Iterator[str]:
    """Give all reasons, one after the other: what is cheap to find out comes first."""
    sizes = problem.sizes
    if problem.device.type != "cuda":
        yield f"the tensors are on {problem.device}, and this backend runs on CUDA devices"
    if problem.dtype not in (torch.float32, torch.float64):
        yield f"the numbers are {problem.dtype}, and this backend computes in float32 and float64"
    if problem.derivative == "torch.func":
        yield "it does not support the transforms of torch.func"
    if problem.derivative == "forward":
        yield "it has no forward-mode derivatives"
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        yield "torch.compile and torch.jit.trace cannot see into it"
    if find_spec("triton") is None:
        yield "Triton is not installed: pip install triton"
    if which("gcc") is None and which("clang") is None:
        yield "Triton needs gcc or clang on PATH"
    numbers = power(sizes.read_heads + sizes.write_heads) * max(power(sizes.memory_slots), power(sizes.memory_width))
    if numbers > MOST_NUMBERS:
        yield f"the weightings or keys of all heads are {numbers} numbers, in powers of 2; it takes {MOST_NUMBERS}"


def carve(like: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Make tensors of zeros, of the dtype and on the device of another, in one allocation; each begins aligned."""
    counts = [prod(shape) for shape in shapes]
    rounded = [-(-count // ALIGNMENT) * ALIGNMENT for count in counts]
    parts = like.new_zeros(sum(rounded)).split(rounded)
    return [part[:count].view(shape) for part, count, shape in zip(parts, counts, shapes, strict=True)]


def count_warps(heads: int, slots: int, width: int) -> int:
    """Give the warps of a program, each of 32 threads: more for a larger memory."""
    largest = max(power(heads) * power(slots), min(power(slots) * power(width), TILE))
    return 4 if largest <= 4096 else 8 if largest <= 16384 else 16


def transposed(weight: Tensor) -> Tensor:
    """Turn the last two axes round, in memory too: a product reads the columns of a row side by side."""
    return weight.transpose(-1, -2).contiguous()
