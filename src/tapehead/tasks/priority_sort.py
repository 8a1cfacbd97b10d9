"""Priority sort: hear vectors with priorities, then say the highest in order (Graves et al. 2014, section 4.5)."""

from dataclasses import dataclass

import numpy as np

from tapehead._arguments import check_count
from tapehead.tasks._task import Batch, Size, Sizes, Task, answered


@dataclass(frozen=True, kw_only=True)
class PrioritySort(Task):
    """K vectors of random bits, each with a priority, a delimiter, then the vectors of highest priority, highest first.

    With 5 vectors of 3 bits (columns are steps, rows channels, a dot is 0):

                        in                                                 due
        bit 1             1     .     1     .     1     .   . . . .        - - - - - - . 1 1 1
        bit 2             .     .     1     1     1     .   . . . .        - - - - - - 1 1 . 1
        bit 3             1     .     .     1     .     .   . . . .        - - - - - - 1 . 1 .
        priority        0.2  -0.7   0.4   0.9  -0.3     .   . . . .
        delimiter         .     .     .     .     .     1   . . . .

    Steps marked with - are not scored. Priorities are uniform between -1 and 1. Due are four fifths of the vectors,
    rounded down, at least one: 16 of 20 as in the paper. A question takes K + 1 + 4 K / 5 steps. Of two vectors of
    equal priority, which is once in 90,000 questions of 20 vectors, the earlier comes first.

    Args:
        bits: Bits of a vector.
        min_items: Vectors of the shortest list that is trained on.
        max_items: Vectors of the longest.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    bits: int = 8
    min_items: int = 20
    max_items: int = 20

    def __post_init__(self) -> None:
        check_count("bits", self.bits)
        check_count("min_items", self.min_items)
        check_count("max_items", self.max_items, least=self.min_items)

    @property
    def input_size(self) -> int:
        """The bits, the priority and the delimiter."""
        return self.bits + 2

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.bits

    @property
    def size_names(self) -> tuple[str, ...]:
        """A question has a number of items."""
        return ("items",)

    @property
    def smallest(self) -> Size:
        """The fewest items that are trained on."""
        return (self.min_items,)

    @property
    def largest(self) -> Size:
        """The most items that are trained on."""
        return (self.max_items,)

    @property
    def further(self) -> tuple[Size, ...]:
        """The most items that are trained on: the paper tries no other."""
        return (self.largest,)

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw lists of the numbers of vectors asked for, (B, 1), with their priorities."""
        items = sizes[:, 0]
        due = np.maximum(items * 4 // 5, 1)
        count, most, everyone = len(items), int(items.max(initial=0)), np.arange(len(items))
        drawn = generator.random((most, count, self.bits + 1), np.float32)
        vectors, priorities = drawn[:, :, : self.bits] < 0.5, 2 * drawn[:, :, self.bits] - 1
        there = np.arange(most)[:, None] < items

        inputs = np.zeros((int((items + 1 + due).max(initial=1)), count, self.input_size), np.float32)
        inputs[:most, :, : self.bits] = vectors & there[:, :, None]
        inputs[:most, :, self.bits] = priorities * there
        inputs[items, everyone, self.bits + 1] = 1

        order = np.argsort(np.where(there, -priorities, np.inf), axis=0, kind="stable")
        return answered(inputs, vectors[order, everyone], items + 1, due)
