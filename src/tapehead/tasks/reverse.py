"""Reverse: given a string of symbols, produce it backwards."""

from dataclasses import dataclass

import numpy as np

from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import AlphabetTask, Strings, backwards, draw_symbols


@dataclass(frozen=True, kw_only=True)
class Reverse(AlphabetTask):
    """A string; the answer is its symbols in reverse order.

    With 3 symbols of an alphabet of a and b (columns are time steps):

        in     b b a | _ _ _
        out    - - - | a b b

    A deterministic context-free language. Steps marked with - are not scored. Chance is L (1 - 1 / alphabet) errors,
    L log2(alphabet) bits.

    Args:
        alphabet: Number of different symbols, at least 2.
        min_length: Smallest number of symbols in training.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw strings of these lengths, (B,)."""
        strings = draw_symbols(generator, lengths, self.alphabet)
        return Strings(strings, lengths, backwards(strings, lengths), lengths)
