"""Associative recall: given items and one of them again, produce the one after it (Graves et al. 2014, section 4.3)."""

from dataclasses import dataclass
from typing import get_args

import numpy as np

from tapehead._arguments import check_choice, check_count
from tapehead.tasks.batch import Batch, Encoding, Size, Sizes, check_range, check_sizes, draw_bits, end_with
from tapehead.tasks.targets import BitTask


@dataclass(frozen=True, kw_only=True)
class AssociativeRecall(BitTask):
    """K items of random bits, then one of them as the query; the target is the item that followed it.

    An item is a few vectors; the query is any item but the last, each as often. With 3 items of 2 vectors of 3 bits,
    the second as the query (columns are steps, rows channels, a dot is 0):

        encoding         graves2014 in                  out     collier2018 in           out
        bit 1            . 1 . . . 1 . 1 1 . . 1 . . .  1 1     1 . . 1 1 1 1 . 1 1 . .  1 1
        bit 2            . . 1 . 1 . . . 1 . 1 . . . .  . 1     . 1 1 . . 1 1 1 . 1 . .  . 1
        bit 3            . 1 1 . 1 1 . . . . 1 1 . . .  . .     1 1 1 1 . . 1 1 1 1 . .  . .
        item             1 . . 1 . . 1 . . . . . . . .
        query            . . . . . . . . . 1 . . 1 . .          . . . . . . 1 . . 1 . .

    The targets are on the last time steps, the only ones that are scored. In graves2014 a delimiter stands before each
    item and another kind on either side of the query; in collier2018 nothing stands between the items, and all channels
    are 1 on either side of the query. With V vectors in an item a sequence takes K (V + 1) + 2 V + 2 or K V + 2 V + 2
    time steps.

    By chance another item may be like the query, once in 65,000 sequences of 6 items; then there are two right outputs.

    Args:
        encoding: The paper whose delimiters are used.
        bits: Number of bits in a vector.
        item_length: Number of vectors in an item.
        min_items: Smallest number of items in training, at least 2.
        max_items: Largest number of items in training.

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
        check_range("min_items", self.min_items, "max_items", self.max_items, least=2)

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
        """Up to twice the largest, as Collier & Beel 2018 (6 to 12), then as far as Graves et al. 2014 (15 and 20)."""
        most = self.max_items
        return (*((items,) for items in range(most, 2 * most + 1)), (5 * most // 2,), (10 * most // 3,))

    def memory_needed(self, size: Size) -> int:
        """All vectors of the sequence."""
        return size[0] * self.item_length

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw lists of so many items, (B, 1), and a query for each."""
        check_sizes(sizes, self.size_names)
        items = sizes[:, 0]
        if (items < 2).any():
            few = f"not {items.min()}"
            raise ValueError(f"items: expected at least 2, since the target is the item after another, {few}")
        count, most, length = len(items), int(items.max(initial=0)), self.item_length
        queries = (generator.random(count) * (items - 1)).astype(np.int64)
        vectors = draw_bits(generator, most * length, count, self.bits)
        stride = self._between + length
        query_start = items * stride  # the step of the delimiter before the query
        steps = int((query_start + 2 * length + 2).max(initial=1))

        inputs = np.zeros((steps, count, self.input_size), np.float32)
        listed = inputs[: most * stride].reshape(most, stride, count, self.input_size)
        present = (np.arange(most)[:, None] < items)[:, None]
        listed[:, : self._between, :, self.bits] = present
        items_of_vectors = vectors.reshape(most, length, count, self.bits)
        listed[:, self._between :, :, : self.bits] = items_of_vectors * present[..., None]

        place, rows = np.arange(length)[:, None], np.arange(count)
        inputs[query_start + 1 + place, rows, : self.bits] = vectors[queries * length + place, rows]
        first_delimiter_channel = self.bits + 1 if self.encoding == "graves2014" else 0
        for delimiter in (query_start, query_start + length + 1):
            inputs[delimiter, rows, first_delimiter_channel:] = 1
        outputs = vectors[(queries + 1) * length + place, rows]
        return end_with(inputs, outputs, query_start + length + 2, np.full(count, length))
