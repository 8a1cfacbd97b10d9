"""Multi-query associative recall: pairs of a key and a value, then keys in any order (Arora et al. 2023, Zoology)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tapehead._arguments import check_count, check_number
from tapehead.tasks.batch import Batch, Size, Sizes, check_range, check_sizes
from tapehead.tasks.targets import SymbolTask

BLANK = 0
"""The token id between the keys that are asked for."""


@dataclass(frozen=True, kw_only=True)
class MQAR(SymbolTask):
    """Pairs of a key and a value; each key comes again somewhere, and the target is then its value.

    With 2 pairs, 7 steps for each and a vocabulary of 12 (columns are time steps):

        in     2 8 4 6 _ _ 2 _ 4
        out    - - - - - - 8 - 6

    Token id 0 is the blank, ids below half the vocabulary are keys, the others are values; no key and no value comes
    twice among the pairs. Keys come again at even distances from the last pair, sooner more often than later: with a
    probability that falls as a power of the distance (arXiv 2312.04927, appendix). Steps marked with - are not scored;
    a sequence ends with its last query. With 16 steps a pair, 4, 8 and 16 pairs are the paper's lengths 64, 128 and
    256. Chance is 1 - 2 / vocabulary errors and log2(vocabulary / 2) bits for each pair.

    So many symbols are best read through a learned embedding, as in the paper: a model's `embedding_size`.

    Args:
        vocabulary: Number of token ids, at least 4; half are values.
        steps_per_pair: Time steps for each pair, at least 4.
        power: Exponent of the distances' distribution function; with 1 all distances are as likely.
        min_pairs: Smallest number of pairs in training.
        max_pairs: Largest number of pairs in training, at most one fewer than half the vocabulary.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    vocabulary: int = 8192
    steps_per_pair: int = 16
    power: float = 0.01
    min_pairs: int = 4
    max_pairs: int = 16

    def __post_init__(self) -> None:
        check_count("vocabulary", self.vocabulary, least=4)
        check_count("steps_per_pair", self.steps_per_pair, least=4)
        check_number("power", self.power, above=0)
        check_range("min_pairs", self.min_pairs, "max_pairs", self.max_pairs)
        if self.max_pairs > self._keys:
            expected = f"expected at most {self._keys}, as many as there are keys among {self.vocabulary} token ids"
            raise ValueError(f"max_pairs: {expected}, not {self.max_pairs}")

    @property
    def _keys(self) -> int:
        return self.vocabulary // 2 - 1

    @property
    def input_size(self) -> int:
        """The vocabulary."""
        return self.vocabulary

    @property
    def output_size(self) -> int:
        """The vocabulary, of which keys and the blank are never a target."""
        return self.vocabulary

    @property
    def size_names(self) -> tuple[str, ...]:
        """A sequence has a number of pairs."""
        return ("pairs",)

    @property
    def min_size(self) -> Size:
        """The fewest pairs that are trained on."""
        return (self.min_pairs,)

    @property
    def max_size(self) -> Size:
        """The most pairs that are trained on."""
        return (self.max_pairs,)

    def memory_needed(self, size: Size) -> int:
        """All pairs."""
        return size[0]

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw sequences with so many pairs, (B, 1).

        Raises:
            ValueError: There are fewer keys.
        """
        check_sizes(sizes, self.size_names)
        pairs, most = sizes[:, 0], int(sizes.max(initial=1))
        if most > self._keys:
            raise ValueError(f"pairs: expected at most {self._keys}, as many as there are keys, not {most}")
        first_value = self.vocabulary // 2
        keys = 1 + _draw_different(generator, len(pairs), self._keys, most)
        values = first_value + _draw_different(generator, len(pairs), self.vocabulary - first_value, most)
        queries = 2 * pairs + 2 * self._draw_gaps(generator, pairs, most)  # (P, B)
        present = np.arange(most)[:, None] < pairs
        lengths = np.where(present, queries, 0).max(axis=0, initial=0) + 1
        shape = int(lengths.max(initial=1)), len(pairs)
        inputs, targets, mask = np.full(shape, BLANK), np.zeros(shape, np.int64), np.zeros(shape, bool)
        place, sequence = np.nonzero(present)
        for step, ids in ((2 * place, keys), (2 * place + 1, values), (queries[present], keys)):
            inputs[step, sequence] = ids[present]
        targets[queries[present], sequence] = values[present]
        mask[queries[present], sequence] = True
        return Batch(*map(torch.from_numpy, (inputs, targets, mask, lengths)))

    def _draw_gaps(self, generator: np.random.Generator, pairs: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """Draw how many steps of two each key comes after the pairs, (P, B), one after the other without replacement.

        The largest of the logarithms of weights with Gumbel noise are such a sample, in the order of drawing.
        """
        space = (self.steps_per_pair - 2) * pairs // 2
        gaps = np.arange(int(space.max(initial=1)))[:, None]
        noisy = (self.power - 1) * np.log1p(gaps) + generator.gumbel(size=(len(gaps), len(pairs)))
        noisy[gaps >= space] = -np.inf
        return np.argsort(-noisy, axis=0)[:most]


def _draw_different(generator: np.random.Generator, count: int, symbols: int, most: int) -> NDArray[np.int64]:
    """Draw symbols without replacement for each of so many sequences, (most, count), all orders as likely."""
    marks = generator.random((symbols, count), np.float32)
    smallest = np.argpartition(marks, most - 1, axis=0)[:most]
    order = np.argsort(np.take_along_axis(marks, smallest, axis=0), axis=0)
    return np.take_along_axis(smallest, order, axis=0)
