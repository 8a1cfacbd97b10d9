"""Compute square root: the root of a number in binary, rounded down."""

import math
from dataclasses import dataclass

import numpy as np

from tapehead.tasks.arithmetic import read_numbers, write_numbers
from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import Strings, StringTask, backwards, draw_symbols


@dataclass(frozen=True, kw_only=True)
class ComputeSqrt(StringTask):
    """A number in binary, the highest bit first; the answer is its square root, rounded down, in half as many bits.

    For 37, whose root is 6.08 (columns are time steps):

        in     1 0 0 1 0 1 | _ _ _
        out    - - - - - - | 1 1 0

    A context-sensitive language. Steps marked with - are not scored. The number is not 0; its root has L / 2 bits,
    rounded up, with zeros before it where it is smaller. Chance is about half an error for each bit.

    Args:
        min_length: Smallest number of symbols in training.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw numbers of these lengths, (B,)."""
        bits = draw_symbols(generator, lengths, 2)
        roots = [math.isqrt(number) for number in read_numbers(bits, np.zeros_like(lengths), lengths)]
        counts = (lengths + 1) // 2
        return Strings(backwards(bits, lengths), lengths, backwards(write_numbers(roots, counts), counts), counts)
