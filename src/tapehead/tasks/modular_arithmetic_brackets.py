"""Modular arithmetic with brackets: the value of a nested expression."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tapehead.tasks.arithmetic import ModularTask, draw_expressions
from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import Strings, one_answer


@dataclass(frozen=True, kw_only=True)
class ModularArithmeticBrackets(ModularTask):
    """An expression of numbers, +, -, * and brackets; the answer is its value modulo m.

    With m = 5 and 11 symbols (columns are time steps):

        in     ( ( 3 - 4 ) * ( 2 ) ) | _
        out    . . . . . . . . . . . | 3

    A deterministic context-free language. Steps marked with . are not scored. Input ids are the numbers, then +, -, *,
    ( and ). Chance is about 1 - 1 / m errors, log2(m) bits; a product is 0 more often than another number.

    Args:
        modulus: m, at least 2.
        min_length: Smallest number of symbols in training.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    signs: ClassVar[int] = 5

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw expressions of these lengths, (B,)."""
        symbols, values = draw_expressions(lengths, generator, self.modulus, operators=3)
        return one_answer(symbols, lengths, values)
