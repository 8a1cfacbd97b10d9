"""Duplicate string: a string, twice."""

from dataclasses import dataclass

import numpy as np

from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import AlphabetTask, Strings, draw_symbols


@dataclass(frozen=True, kw_only=True)
class DuplicateString(AlphabetTask):
    """A string; the answer is the string twice.

    With 3 symbols of an alphabet of a and b (columns are time steps):

        in     b b a | _ _ _ _ _ _
        out    - - - | b b a b b a

    A context-sensitive language. Steps marked with - are not scored. Chance is 2 L (1 - 1 / alphabet) errors,
    2 L log2(alphabet) bits.

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
        place = np.arange(2 * len(strings))[:, None] % np.maximum(lengths, 1)
        return Strings(strings, lengths, strings[place, np.arange(len(lengths))], 2 * lengths)
