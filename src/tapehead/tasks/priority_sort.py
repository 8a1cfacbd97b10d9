"""Priority sort: given vectors with priorities, produce the highest in order (Graves et al. 2014, section 4.5)."""

from dataclasses import dataclass

import numpy as np

from tapehead._arguments import check_count
from tapehead.tasks.batch import Batch, Size, Sizes, check_range, check_sizes, end_with
from tapehead.tasks.targets import BitTask


@dataclass(frozen=True, kw_only=True)
class PrioritySort(BitTask):
    """K random bit vectors with priorities, and a delimiter; the targets are those of highest priority, in order.

    With 5 vectors of 3 bits (columns are steps, rows channels, a dot is 0):

                        in                                                 out
        bit 1             1     .     1     .     1     .   . . . .        - - - - - - . 1 1 1
        bit 2             .     .     1     1     1     .   . . . .        - - - - - - 1 1 . 1
        bit 3             1     .     .     1     .     .   . . . .        - - - - - - 1 . 1 .
        priority        0.2  -0.7   0.4   0.9  -0.3     .   . . . .
        delimiter         .     .     .     .     .     1   . . . .

    Steps marked with - are not scored. Priorities are uniform between -1 and 1. The targets are four fifths of the
    vectors, rounded down, at least one: 16 of 20 as in the paper. A sequence takes K + 1 + 4 K / 5 time steps. Of two
    vectors of equal priority, which is once in 90,000 sequences of 20 vectors, the earlier comes first.

    Args:
        bits: Number of bits in a vector.
        min_items: Smallest number of vectors in training.
        max_items: Largest number of vectors in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    bits: int = 8
    min_items: int = 20
    max_items: int = 20

    def __post_init__(self) -> None:
        check_count("bits", self.bits)
        check_range("min_items", self.min_items, "max_items", self.max_items)

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
        """A sequence has a number of items."""
        return ("items",)

    @property
    def min_size(self) -> Size:
        """The fewest items that are trained on."""
        return (self.min_items,)

    @property
    def max_size(self) -> Size:
        """The most items that are trained on."""
        return (self.max_items,)

    @property
    def eval_sizes(self) -> tuple[Size, ...]:
        """The most items that are trained on: the paper uses no other."""
        return (self.max_size,)

    def memory_needed(self, size: Size) -> int:
        """All vectors of the sequence."""
        return size[0]

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw lists of so many vectors, (B, 1), with their priorities."""
        check_sizes(sizes, self.size_names)
        items = sizes[:, 0]
        sorted_count = np.maximum(items * 4 // 5, 1)
        count, most, rows = len(items), int(items.max(initial=0)), np.arange(len(items))
        drawn = generator.random((most, count, self.bits + 1), np.float32)
        vectors, priorities = drawn[:, :, : self.bits] < 0.5, 2 * drawn[:, :, self.bits] - 1
        present = np.arange(most)[:, None] < items

        inputs = np.zeros((int((items + 1 + sorted_count).max(initial=1)), count, self.input_size), np.float32)
        inputs[:most, :, : self.bits] = vectors & present[:, :, None]
        inputs[:most, :, self.bits] = priorities * present
        inputs[items, rows, self.bits + 1] = 1

        order = np.argsort(np.where(present, -priorities, np.inf), axis=0, kind="stable")
        return end_with(inputs, vectors[order, rows], items + 1, sorted_count)
