"""Solve equation: the number that x stands for."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tapehead.tasks.arithmetic import ModularTask, draw_expressions
from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import Strings, one_answer

X, EQUALS = 4, 5
"""Of the signs, after two operators and two brackets."""


@dataclass(frozen=True, kw_only=True)
class SolveEquation(ModularTask):
    """An expression of numbers, +, - and brackets, one number replaced by x, and its value; the answer is that number.

    With m = 5 and 13 symbols (columns are time steps):

        in     ( ( x - 4 ) + ( 2 ) ) = 1 | _
        out    . . . . . . . . . . . . . | 3

    A deterministic context-free language; everything is modulo m. Steps marked with . are not scored. Input ids are
    the numbers, then +, -, (, ), x and =. Chance is 1 - 1 / m errors, log2(m) bits.

    Args:
        modulus: m, at least 2.
        min_length: Smallest number of symbols in training, at least 3.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    signs: ClassVar[int] = 6
    min_length: int = 3
    least_length: ClassVar[int] = 3

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw equations of these lengths, (B,)."""
        chance = generator.random(len(lengths))
        lefts, rows = lengths - 2, np.arange(len(lengths))
        expressions, values = draw_expressions(lefts, generator, self.modulus, operators=2)
        from_there = (np.arange(len(expressions))[:, None] - (chance * lefts).astype(np.int64)) % np.maximum(lefts, 1)
        present = np.arange(len(expressions))[:, None] < lefts
        numbers = present & (expressions < self.modulus)
        unknown = np.where(numbers, from_there, len(expressions)).argmin(axis=0) if len(rows) else rows
        equations = np.zeros((len(expressions) + 2, len(rows)), np.int64)
        equations[: len(expressions)] = expressions
        answers = equations[unknown, rows]
        equations[unknown, rows] = self.modulus + X
        equations[lefts, rows], equations[lefts + 1, rows] = self.modulus + EQUALS, values
        return one_answer(equations, lengths, answers)
