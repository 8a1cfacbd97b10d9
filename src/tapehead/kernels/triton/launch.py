"""Whether Triton can run a problem, and how its kernels are launched."""

from collections.abc import Sequence
from importlib.util import find_spec
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tapehead.kernels.backend import Problem

EVERY = 8
"""The memory is kept at every so many time steps; the backward pass computes what lies between again."""

TILE, COLUMNS = 4096, 128
"""The most numbers of a tile, and the most columns of a tile of weights; a test may change them."""

ALIGNMENT = 64
"""What the places of tensors in an allocation are multiples of, in numbers; Triton compiles anew for another."""

MOST_NUMBERS = 2**20
"""The most numbers of a tensor in Triton: the weightings of all heads are one."""


class Blocks(NamedTuple):
    """The sizes of tiles; all are powers of 2, as Triton demands.

    Of weights a tile has `rows` x `columns` numbers, of the memory `slots` rows of the whole width.
    """

    rows: int
    columns: int
    slots: int


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
    return Blocks(max(1, TILE // block), block, max(1, min(power(slots), TILE // power(width))))


def unsupported_reason(problem: Problem[Any]) -> str | None:
    """Say why no Triton kernel can run a problem; None where one can."""
    sizes = problem.sizes
    weights = power(sizes.read_heads + sizes.write_heads) * power(sizes.memory_slots)
    reasons = {
        f"the tensors are on {problem.device}, and this backend runs on CUDA devices": problem.device.type != "cuda",
        f"the numbers are {problem.dtype}, and this backend computes in float32 and float64": (
            problem.dtype not in (torch.float32, torch.float64)
        ),
        "it does not support the transforms of torch.func": problem.derivative == "torch.func",
        "it has no forward-mode derivatives": problem.derivative == "forward",
        "torch.compile cannot see into it": torch.compiler.is_compiling(),
        "Triton is not installed: pip install triton": find_spec("triton") is None,
        f"the weightings of all heads are {weights} numbers, counted in powers of 2, and it takes {MOST_NUMBERS}": (
            max(weights, power(sizes.memory_width)) > MOST_NUMBERS
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


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
