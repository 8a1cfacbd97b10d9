"""Modular arithmetic: the value of an expression without brackets."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tapehead.tasks.arithmetic import MINUS, TIMES, ModularTask
from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import Strings, one_answer


@dataclass(frozen=True, kw_only=True)
class ModularArithmetic(ModularTask):
    """Numbers with +, - or * between them; the answer is the value modulo m, products before sums.

    With m = 5 and 7 symbols (columns are time steps):

        in     3 - 2 * 4 + 1 | _
        out    . . . . . . . | 1

    A regular language. Steps marked with . are not scored. Input ids are the numbers, then +, - and *. An expression
    has an odd number of symbols: one less than the length where that is even. Chance is about 1 - 1 / m errors,
    log2(m) bits; a product is 0 more often than another number.

    Args:
        modulus: m, at least 2.
        min_length: Smallest number of symbols in training.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    signs: ClassVar[int] = 3

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw expressions of these lengths or one less, (B,)."""
        lengths = (lengths - 1) // 2 * 2 + 1
        count = int(lengths.max(initial=1))
        drawn = generator.random((count, len(lengths)))
        numbers = (drawn[::2] * self.modulus).astype(np.int64)
        operators = (drawn[1::2] * 3).astype(np.int64)
        expressions = np.empty(drawn.shape, np.int64)
        expressions[::2], expressions[1::2] = numbers, self.modulus + operators
        total, term = np.zeros_like(lengths), numbers[0].copy()  # finished terms, and the one that may go on
        for place in range(1, len(numbers)):
            present, operator, number = 2 * place < lengths, operators[place - 1], numbers[place]
            times = operator == TIMES
            total = np.where(present & ~times, total + term, total)
            following = np.where(times, term * number, np.where(operator == MINUS, -number, number))
            term = np.where(present, following % self.modulus, term)
        return one_answer(expressions, lengths, (total + term) % self.modulus)
