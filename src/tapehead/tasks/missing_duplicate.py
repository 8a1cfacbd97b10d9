"""Missing duplicate: the symbol that was covered in a string that comes twice."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import Strings, StringTask, draw_symbols, one_answer

COVERED, PADDING = 2, 3


@dataclass(frozen=True, kw_only=True)
class MissingDuplicate(StringTask):
    """A string of bits twice, with one bit covered; the answer is that bit.

    With a string of 3 (columns are time steps):

        in     1 0 1 1 ? 1 | _
        out    - - - - - - | 0

    A context-sensitive language. Steps marked with - are not scored. Input ids are the bits, then 2 for the covered
    one, and 3 for a symbol without a meaning at the end, where the length is odd. Chance is half an error, 1 bit.

    Args:
        min_length: Smallest number of symbols in training, at least 2.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    min_length: int = 2
    least_length: ClassVar[int] = 2
    input_symbols: ClassVar[int] = 4

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw strings of these lengths, (B,)."""
        half, rows = lengths // 2, np.arange(len(lengths))
        covered = (generator.random(len(lengths)) * 2 * half).astype(np.int64)
        bits = draw_symbols(generator, half, 2)
        places = np.arange(2 * len(bits) + 1)[:, None]
        strings = np.where(places < 2 * half, bits[places % np.maximum(half, 1), rows], PADDING)
        answers = strings[covered, rows] if len(rows) else rows
        strings[covered, rows] = COVERED
        return one_answer(strings, lengths, answers)
