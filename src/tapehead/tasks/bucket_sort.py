"""Bucket sort: the symbols of a string in order."""

from dataclasses import dataclass

import numpy as np

from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import AlphabetTask, Strings, draw_symbols


@dataclass(frozen=True, kw_only=True)
class BucketSort(AlphabetTask):
    """A string; the answer is its symbols in the order of the alphabet.

    With 5 symbols of an alphabet of five (columns are time steps):

        in     c a e a b | _ _ _ _ _
        out    - - - - - | a a b c e

    A context-sensitive language. Steps marked with - are not scored. Chance is L (1 - 1 / alphabet) errors,
    L log2(alphabet) bits; who knows the place, but not the string, is better than that.

    Args:
        alphabet: Number of different symbols, at least 2.
        min_length: Smallest number of symbols in training.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    alphabet: int = 5

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw strings of these lengths, (B,)."""
        strings = draw_symbols(generator, lengths, self.alphabet)
        present = np.arange(len(strings))[:, None] < lengths
        outputs = np.sort(np.where(present, strings, self.alphabet), axis=0)
        return Strings(strings, lengths, outputs, lengths)
