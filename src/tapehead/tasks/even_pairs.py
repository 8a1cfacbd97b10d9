"""Even pairs: whether a string of two symbols changes from one to the other an odd number of times."""

from dataclasses import dataclass

import numpy as np

from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import Strings, StringTask, draw_symbols, one_answer


@dataclass(frozen=True, kw_only=True)
class EvenPairs(StringTask):
    """A string of two symbols; the answer is 1 if the number of unequal neighbors is odd, and else 0.

    With 5 symbols (columns are time steps):

        in     b b a b a | _
        out    - - - - - | 1

    A regular language: the answer is 1 where the first symbol differs from the last. Steps marked with - are not
    scored; chance is half an error, 1 bit, but for a single symbol, whose answer is 0.

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
        last = strings[lengths - 1, np.arange(len(lengths))] if len(lengths) else lengths
        return one_answer(strings, lengths, (strings[0] != last).astype(np.int64) if len(lengths) else lengths)
