"""Tasks on strings of symbols, as Deletang et al. 2023 have them (arXiv 2207.02098): a string in, then an answer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tapehead._arguments import check_count
from tapehead.tasks.batch import Batch, Counts, Size, Sizes, check_range, check_sizes, end_with
from tapehead.tasks.targets import SymbolTask
from tapehead.tasks.task import LengthTask

END = 2
"""The target id after the bits of an answer whose length the string does not tell."""


class Strings(NamedTuple):
    """B strings with their answers; what stands after the end of either is ignored."""

    inputs: NDArray[Any]  # symbols, (L, B)
    lengths: Counts  # of the strings, (B,)
    outputs: NDArray[Any]  # the symbols of the answers, (A, B)
    counts: Counts  # of these, (B,)


@dataclass(frozen=True, kw_only=True)
class StringTask(LengthTask, SymbolTask, ABC):
    """Reads a string, one symbol at each time step, and then answers it on blank steps, as many as the answer is long.

    Inputs are token ids, the symbols' first, then the blank. What differs from the published code: the sequences of a
    batch have lengths of their own; lengths for which a task has no meaning are refused; an answer that has an end is
    not padded with zeros after it; and a number in binary that is drawn as 0 becomes 1.

    Args:
        min_length: Smallest number of symbols in training.
        max_length: Largest number of symbols in training.
    """

    min_length: int = 1
    max_length: int = 40
    least_length: ClassVar[int] = 1
    """The length of the shortest string that there is."""
    input_symbols: ClassVar[int] = 2
    """How many different symbols strings have, where no option says so."""
    output_symbols: ClassVar[int] = 2
    """How many answers have, where no option says so."""

    def __post_init__(self) -> None:
        check_range("min_length", self.min_length, "max_length", self.max_length, least=self.least_length)

    @property
    def symbols(self) -> int:
        """The number of different symbols in strings."""
        return self.input_symbols

    @property
    def output_size(self) -> int:
        """The number of different symbols in answers."""
        return self.output_symbols

    @abstractmethod
    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw strings with their answers.

        Args:
            lengths: Of the strings, from `least_length` on, (B,); those drawn may be a symbol shorter.
            generator: The source of all randomness.
        """

    @property
    def input_size(self) -> int:
        """The symbols and the blank."""
        return self.symbols + 1

    @property
    def eval_sizes(self) -> tuple[Size, ...]:
        """Up to four times the longest."""
        return tuple((self.max_length * times,) for times in (1, 2, 4))

    def memory_needed(self, size: Size) -> int:
        """All symbols of the string."""
        return size[0]

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw strings of these lengths, (B, 1).

        Raises:
            ValueError: A length is below `least_length`.
        """
        check_sizes(sizes, self.size_names, self.least_length)
        drawn = self.draw(sizes[:, 0], generator)
        steps = int((drawn.lengths + drawn.counts).max(initial=1))
        inputs = np.full((steps, len(sizes)), self.symbols, np.int64)
        longest = min(len(drawn.inputs), steps)
        present = np.arange(longest)[:, None] < drawn.lengths
        inputs[:longest] = np.where(present, drawn.inputs[:longest], self.symbols)
        return end_with(inputs, drawn.outputs, drawn.lengths, drawn.counts)


@dataclass(frozen=True, kw_only=True)
class AlphabetTask(StringTask, ABC):
    """Has the same alphabet for strings and answers."""

    alphabet: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("alphabet", self.alphabet, least=2)

    @property
    def symbols(self) -> int:
        """The alphabet."""
        return self.alphabet

    @property
    def output_size(self) -> int:
        """The alphabet."""
        return self.alphabet


def draw_symbols(generator: np.random.Generator, lengths: Counts, symbols: int) -> NDArray[np.int64]:
    """Draw symbols for strings of these lengths, (L, B); those of a string do not depend on how long the others are."""
    return generator.integers(symbols, size=(int(lengths.max(initial=0)), len(lengths)))


def one_answer(inputs: NDArray[Any], lengths: Counts, answers: NDArray[Any]) -> Strings:
    """Make strings whose answers are a single symbol each, (B,)."""
    return Strings(inputs, lengths, answers[None], np.ones_like(lengths))


def backwards(columns: NDArray[Any], counts: Counts) -> NDArray[Any]:
    """Turn around the first so many entries of each column, (A, B)."""
    place = counts - 1 - np.arange(len(columns))[:, None]
    turned: NDArray[Any] = columns[np.maximum(place, 0), np.arange(len(counts))]
    return turned
