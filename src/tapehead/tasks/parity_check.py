"""Parity check: whether the number of ones in a string is odd."""

from dataclasses import dataclass

import numpy as np

from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import Strings, StringTask, draw_symbols, one_answer


@dataclass(frozen=True, kw_only=True)
class ParityCheck(StringTask):
    """A string of zeros and ones; the answer is 1 if the number of ones is odd, and else 0.

    With 5 symbols (columns are time steps):

        in     1 1 0 1 0 | _
        out    - - - - - | 1

    A regular language. Steps marked with - are not scored; chance is half an error, 1 bit.

    Args:
        min_length: Smallest number of symbols in training.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw strings of these lengths, (B,)."""
        strings = draw_symbols(generator, lengths, 2)
        present = np.arange(len(strings))[:, None] < lengths
        return one_answer(strings, lengths, (strings * present).sum(axis=0) % 2)
