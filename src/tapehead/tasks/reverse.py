"""Reverse: given a string of symbols, produce it backwards."""

from dataclasses import dataclass

import numpy as np

from tapehead._arguments import check_count
from tapehead.tasks.batch import Batch, Size, Sizes, check_range, check_sizes, end_with
from tapehead.tasks.targets import SymbolTask


@dataclass(frozen=True, kw_only=True)
class Reverse(SymbolTask):
    """L random symbols and a delimiter; the targets are the symbols in reverse order, over L blank steps.

    With 3 symbols of an alphabet of a, b, c, d (columns are time steps):

        in     b d a | _ _ _
        out    - - - - a d b

    Steps marked with - are not scored. Symbols are drawn uniformly; inputs are token ids, the alphabet's first, then
    the delimiter, then the blank. A sequence of length L takes 2 L + 1 time steps; chance is L (1 - 1 / alphabet)
    symbol errors, L log2(alphabet) bits.

    Args:
        alphabet: Number of different symbols, at least 2.
        min_length: Smallest number of symbols in training.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    alphabet: int = 4
    min_length: int = 1
    max_length: int = 20

    def __post_init__(self) -> None:
        check_count("alphabet", self.alphabet, least=2)
        check_range("min_length", self.min_length, "max_length", self.max_length)

    @property
    def input_size(self) -> int:
        """The symbols, the delimiter and the blank."""
        return self.alphabet + 2

    @property
    def output_size(self) -> int:
        """The symbols."""
        return self.alphabet

    @property
    def size_names(self) -> tuple[str, ...]:
        """A sequence has a length, in symbols."""
        return ("length",)

    @property
    def min_size(self) -> Size:
        """The shortest that is trained on."""
        return (self.min_length,)

    @property
    def max_size(self) -> Size:
        """The longest that is trained on."""
        return (self.max_length,)

    @property
    def eval_sizes(self) -> tuple[Size, ...]:
        """Up to four times the longest."""
        return tuple((self.max_length * times,) for times in (1, 2, 4))

    def memory_needed(self, size: Size) -> int:
        """All symbols of the sequence."""
        return size[0]

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw strings of these lengths, (B, 1)."""
        check_sizes(sizes, self.size_names)
        lengths = sizes[:, 0]
        count, longest, rows = len(sizes), int(lengths.max(initial=0)), np.arange(len(sizes))
        symbols = generator.integers(self.alphabet, size=(longest, count))
        present = np.arange(longest)[:, None] < lengths
        inputs = np.full((2 * longest + 1, count), self.alphabet + 1, np.int64)
        inputs[:longest] = np.where(present, symbols, self.alphabet + 1)
        inputs[lengths, rows] = self.alphabet
        backwards = symbols[np.maximum(lengths - 1 - np.arange(longest)[:, None], 0), rows]
        return end_with(inputs, backwards, lengths + 1, lengths)
