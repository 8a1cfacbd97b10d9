"""Group words: what the elements of a group multiply to, at every step."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from tapehead._arguments import check_choice
from tapehead.tasks.batch import Batch, Size, Sizes, check_range, check_sizes, end_with
from tapehead.tasks.targets import SymbolTask
from tapehead.tasks.task import LengthTask

Group: TypeAlias = Literal["C2", "C6", "S3"]
ORDERS = {"C2": 2, "C6": 6, "S3": 6}


@dataclass(frozen=True, kw_only=True)
class GroupWords(LengthTask, SymbolTask):
    """Elements of a group, all equally likely; the target at every time step is the product of those up to it.

    With the cyclic group of 6 elements, which are added modulo 6 (columns are time steps):

        in     2 5 0 3
        out    2 1 1 4

    It shows whether a model keeps track of a state (Merrill et al. 2024, arXiv 2404.08819). Every step is scored. Ids
    of C2 and C6 are their numbers; of S3, the permutations of three things, 3 f + r is r turns of the triangle, after
    a flip if f is 1. Chance is L (1 - 1 / n) errors, L log2(n) bits, with n elements.

    Args:
        group: C2 is parity, C6 a cycle of six, S3 the smallest group in which the order matters.
        min_length: Smallest number of elements in training.
        max_length: Largest number of elements in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    group: Group = "S3"
    min_length: int = 1
    max_length: int = 60

    def __post_init__(self) -> None:
        check_choice("group", self.group, get_args(Group))
        check_range("min_length", self.min_length, "max_length", self.max_length)

    @property
    def input_size(self) -> int:
        """The elements."""
        return ORDERS[self.group]

    @property
    def output_size(self) -> int:
        """The elements."""
        return ORDERS[self.group]

    @property
    def eval_sizes(self) -> tuple[Size, ...]:
        """Up to four times the longest."""
        return tuple((self.max_length * times,) for times in (1, 2, 4))

    def memory_needed(self, size: Size) -> int:
        """One: the product so far."""
        return min(size[0], 1)

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw words of these lengths, (B, 1)."""
        check_sizes(sizes, self.size_names)
        lengths, order = sizes[:, 0], ORDERS[self.group]
        steps = int(lengths.max(initial=1))
        words = generator.integers(order, size=(steps, len(sizes)))
        if self.group == "S3":
            turns, flips = words % 3, words // 3
            flipped = flips.cumsum(axis=0) % 2  # after each step
            before = np.vstack([np.zeros_like(flips[:1]), flipped[:-1]])
            products = 3 * flipped + (turns * (1 - 2 * before)).cumsum(axis=0) % 3
        else:
            products = words.cumsum(axis=0) % order
        words[np.arange(steps)[:, None] >= lengths] = 0
        return end_with(words, products, np.zeros_like(lengths), lengths)
