"""A batch of sequences, and what tasks make one of: sizes, random bits, targets at the end."""

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from tapehead._arguments import check_count
from tapehead._shapes import Inputs, Lengths, Mask, Symbols, Targets

Encoding: TypeAlias = Literal["graves2014", "collier2018"]
"""Whose way of writing a sequence in bits: the first three tasks of Graves et al. 2014 have two."""

Size: TypeAlias = tuple[int, ...]
"""How large one sequence is: a number for each of the task's `size_names`."""

Sizes: TypeAlias = NDArray[np.int64]
"""The sizes of B sequences, (B, K) with K = len(size_names)."""

Counts: TypeAlias = NDArray[np.int64]
"""A whole number for each of B sequences, (B,)."""


class Batch(NamedTuple):
    """Inputs and targets of B sequences, shorter ones padded at the end; the padding is not scored.

    Attributes:
        inputs: (T, B, I), or token ids from 0 to I - 1, (T, B).
        targets: Bits, 0 or 1, (T, B, O); or symbols, ids from 0 to O - 1, (T, B).
        mask: The time steps that are scored, (T, B).
        lengths: The time steps of each sequence, (B,); T is the largest.
    """

    inputs: Inputs | Symbols
    targets: Targets | Symbols
    mask: Mask
    lengths: Lengths

    def to(self, device: torch.device | str) -> "Batch":
        """Copy to a device; a batch that is there already is returned as it is.

        Args:
            device: Where to.

        Returns:
            The same sequences there.
        """
        return Batch(*(tensor.to(device) for tensor in self))


def spell_size(size: Size) -> str:
    """Write a size as the command line takes it: 20, or 10x20.

    Args:
        size: A number for each of the task's `size_names`.
    """
    return "x".join(map(str, size))


def check_range(low_name: str, low: object, high_name: str, high: object, *, least: int = 1) -> None:
    """Raise unless these are whole numbers, `least` <= low <= high; the message names both.

    Raises:
        TypeError: One is no whole number.
        ValueError: One is too small.
    """
    check_count(low_name, low, least)
    check_count(high_name, high, least)
    assert isinstance(low, int)
    assert isinstance(high, int)
    if high < low:
        raise ValueError(f"{low_name}, {high_name}: expected {low_name} <= {high_name}, not {low} and {high}")


def check_sizes(sizes: Sizes, names: tuple[str, ...], least: int = 1) -> None:
    """Raise unless every number of every size is at least so large.

    Raises:
        ValueError: One is not; the message names which number of a size.
    """
    if sizes.min(initial=least) < least:
        smallest = dict(zip(names, sizes.min(axis=0).tolist(), strict=True))
        name = next(name for name, size in smallest.items() if size < least)
        raise ValueError(f"{name}: expected at least {least}, not {smallest[name]}")


def draw_bits(generator: np.random.Generator, steps: int, count: int, bits: int) -> NDArray[np.uint8]:
    """Draw fair bits, (steps, count, bits)."""
    total = steps * count * bits
    drawn = np.frombuffer(generator.bytes(-(-total // 8)), np.uint8)
    return np.unpackbits(drawn, count=total).reshape(steps, count, bits)


def draw_vectors(
    generator: np.random.Generator, steps: int, count: int, bits: int, zero_vectors: float = 0.0
) -> NDArray[np.uint8]:
    """Draw vectors of fair bits, (steps, count, bits); in every second sequence some are zeros.

    Args:
        generator: The source of all randomness.
        steps: Vectors in a sequence.
        count: Number of sequences.
        bits: Number of bits in a vector.
        zero_vectors: The probability, in every second sequence, that a vector is replaced by zeros.
    """
    if zero_vectors == 0:
        return draw_bits(generator, steps, count, bits)
    chosen_by = np.random.Generator(np.random.Philox(generator.integers(2**63)))
    vectors = draw_bits(generator, steps, count, bits)
    replaced = chosen_by.random((steps, count)) < zero_vectors
    replaced[:, ::2] = False
    vectors[replaced] = 0
    return vectors


def end_with(inputs: NDArray[Any], outputs: NDArray[Any], first: Counts, count: Counts) -> Batch:
    """Make the batch in which each sequence ends with its target outputs, and every time step of these is scored.

    Args:
        inputs: (T, B, I), or token ids (T, B).
        outputs: The target outputs one below the other from the top, (A, B, O), or symbols (A, B); A is at least the
            largest of `count`.
        first: The first time step that is scored, (B,).
        count: How many are, (B,).
    """
    place = np.arange(len(inputs))[:, None] - first
    mask = (place >= 0) & (place < count)
    dtype = np.float32 if outputs.ndim == 3 else np.int64
    targets = np.zeros((*mask.shape, *outputs.shape[2:]), dtype)
    targets[mask] = outputs[place[mask], np.nonzero(mask)[1]]
    return Batch(*map(torch.from_numpy, (inputs, targets, mask, first + count)))
