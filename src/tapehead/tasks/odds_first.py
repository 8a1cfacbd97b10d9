"""Odds first: the symbols at odd places, then those at even ones."""

from dataclasses import dataclass

import numpy as np

from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import AlphabetTask, Strings, draw_symbols


@dataclass(frozen=True, kw_only=True)
class OddsFirst(AlphabetTask):
    """A string; the answer is its first, third, fifth, ... symbol, and then its second, fourth, ...

    With 5 symbols of an alphabet of a and b (columns are time steps):

        in     b a a b a | _ _ _ _ _
        out    - - - - - | b a a a b

    A context-sensitive language. Steps marked with - are not scored. Chance is L (1 - 1 / alphabet) errors,
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
        place, odds = np.arange(len(strings))[:, None], (lengths + 1) // 2
        source = np.where(place < odds, 2 * place, 2 * (place - odds) + 1)
        outputs = strings[np.clip(source, 0, max(len(strings) - 1, 0)), np.arange(len(lengths))]
        return Strings(strings, lengths, outputs, lengths)
