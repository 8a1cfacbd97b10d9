"""Associative recall: hear items, then one again, and say the one after it (Graves et al. 2014, section 4.3)."""

from dataclasses import dataclass
from typing import get_args

import numpy as np

from tapehead._arguments import check_choice, check_count
from tapehead.tasks._task import Batch, Encoding, Size, Sizes, Task, answered, fair_bits


@dataclass(frozen=True, kw_only=True)
class AssociativeRecall(Task):
    """K items of random bits, one of them again as the query, then blank steps on which the item after it is due.

    An item is a few vectors; the query is any item but the last, each as often. With 3 items of 2 vectors of 3 bits,
    the second as the query (columns are steps, rows channels, a dot is 0):

        encoding         graves2014 in                  due     collier2018 in           due
        bit 1            . 1 . . . 1 . 1 1 . . 1 . . .  1 1     1 . . 1 1 1 1 . 1 1 . .  1 1
        bit 2            . . 1 . 1 . . . 1 . 1 . . . .  . 1     . 1 1 . . 1 1 1 . 1 . .  . 1
        bit 3            . 1 1 . 1 1 . . . . 1 1 . . .  . .     1 1 1 1 . . 1 1 1 1 . .  . .
        item             1 . . 1 . . 1 . . . . . . . .
        query            . . . . . . . . . 1 . . 1 . .          . . . . . . 1 . . 1 . .

    What is due falls on the last steps, the only ones that are scored. In graves2014 a delimiter stands before each
    item and another kind on either side of the query; in collier2018 nothing stands between the items, and all channels
    are 1 on either side of the query. With V vectors in an item a question takes K (V + 1) + 2 V + 2 or K V + 2 V + 2
    steps.

    By chance another item may be like the query, once in 65,000 questions of 6 items; then there are two answers.

    Args:
        encoding: What stands around the items and the query.
        bits: Bits of a vector.
        item_length: Vectors of an item.
        min_items: Items of the shortest list that is trained on, at least 2.
        max_items: Items of the longest.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    encoding: Encoding = "graves2014"
    bits: int = 6
    item_length: int = 3
    min_items: int = 2
    max_items: int = 6

    def __post_init__(self) -> None:
        check_choice("encoding", self.encoding, get_args(Encoding))
        check_count("bits", self.bits)
        check_count("item_length", self.item_length)
        check_count("min_items", self.min_items, least=2)
        check_count("max_items", self.max_items, least=self.min_items)

    @property
    def input_size(self) -> int:
        """The bits, and a channel for each kind of delimiter."""
        return self.bits + self._between + 1

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.bits

    @property
    def _between(self) -> int:
        """Steps, and channels, that the delimiter before an item takes."""
        return 1 if self.encoding == "graves2014" else 0

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
        """Up to twice the largest, as Collier & Beel 2018 (6 to 12), then as far as Graves et al. 2014 (15 and 20)."""
        most = self.max_items
        return (*((items,) for items in range(most, 2 * most + 1)), (5 * most // 2,), (10 * most // 3,))

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw lists of the numbers of items asked for, (B, 1), and a query for each."""
        items = sizes[:, 0]
        if (items < 2).any():
            raise ValueError(f"items: expected at least 2, since the item after another is due, not {items.min()}")
        count, most, length = len(items), int(items.max(initial=0)), self.item_length
        queries = (generator.random(count) * (items - 1)).astype(np.int64)
        vectors = fair_bits(generator, most * length, count, self.bits)
        stride = self._between + length
        asked = items * stride  # the step of the delimiter before the query
        steps = int((asked + 2 * length + 2).max(initial=1))

        inputs = np.zeros((steps, count, self.input_size), np.float32)
        listed = inputs[: most * stride].reshape(most, stride, count, self.input_size)
        there = (np.arange(most)[:, None] < items)[:, None]
        listed[:, : self._between, :, self.bits] = there
        listed[:, self._between :, :, : self.bits] = vectors.reshape(most, length, count, self.bits) * there[..., None]

        place, everyone = np.arange(length)[:, None], np.arange(count)
        inputs[asked + 1 + place, everyone, : self.bits] = vectors[queries * length + place, everyone]
        first_delimiter_channel = self.bits + 1 if self.encoding == "graves2014" else 0
        for delimiter in (asked, asked + length + 1):
            inputs[delimiter, everyone, first_delimiter_channel:] = 1
        answers = vectors[(queries + 1) * length + place, everyone]
        return answered(inputs, answers, asked + length + 2, np.full(count, length))
