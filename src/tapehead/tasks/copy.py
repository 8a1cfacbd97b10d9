"""Copy: hear a list of bit vectors, then say it again (Graves et al. 2014, section 4.1)."""

from dataclasses import dataclass
from typing import get_args

import numpy as np

from tapehead._arguments import check_choice, check_count
from tapehead.tasks._task import Batch, Encoding, Size, Sizes, Task, answered, fair_bits


@dataclass(frozen=True, kw_only=True)
class Copy(Task):
    """L vectors of random bits, a delimiter, then L blank steps on which the vectors are due again, in order.

    With 3 vectors of 4 bits (columns are steps, rows channels, a dot is 0):

        encoding        graves2014         collier2018        either
                        in                 in                 due
        bit 1           1 . 1 . . . .      1 . 1 1 . . .      - - - - 1 . 1
        bit 2           . . 1 . . . .      . . 1 1 . . .      - - - - . . 1
        bit 3           1 1 . . . . .      1 1 . 1 . . .      - - - - 1 1 .
        bit 4           . 1 . . . . .      . 1 . 1 . . .      - - - - . 1 .
        delimiter       . . . 1 . . .      . . . 1 . . .

    so the delimiter has a channel of its own in both, and in collier2018's it sets the bits' channels too. Steps marked
    with - are not scored. A question of length L takes 2 L + 1 steps; chance is L * bits / 2 bit errors, L * bits bits.

    Args:
        encoding: What a delimiter looks like.
        bits: Bits of a vector.
        min_length: Vectors of the shortest question that is trained on.
        max_length: Vectors of the longest.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    encoding: Encoding = "graves2014"
    bits: int = 8
    min_length: int = 1
    max_length: int = 20

    def __post_init__(self) -> None:
        check_choice("encoding", self.encoding, get_args(Encoding))
        check_count("bits", self.bits)
        check_count("min_length", self.min_length)
        check_count("max_length", self.max_length, least=self.min_length)

    @property
    def input_size(self) -> int:
        """The bits, and the delimiter's channel."""
        return self.bits + 1

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.bits

    @property
    def size_names(self) -> tuple[str, ...]:
        """A question has a length, in vectors."""
        return ("length",)

    @property
    def smallest(self) -> Size:
        """The shortest that is trained on."""
        return (self.min_length,)

    @property
    def largest(self) -> Size:
        """The longest that is trained on."""
        return (self.max_length,)

    @property
    def further(self) -> tuple[Size, ...]:
        """Up to six times the longest: the points of Collier & Beel 2018, with 120 as in Graves et al. 2014."""
        return tuple((self.max_length * times,) for times in range(1, 7))

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw lists of vectors of the lengths asked for, (B, 1)."""
        lengths = sizes[:, 0]
        count, longest = len(sizes), int(lengths.max(initial=0))
        vectors = fair_bits(generator, longest, count, self.bits)
        inputs = np.zeros((2 * longest + 1, count, self.input_size), np.float32)
        heard = np.arange(longest)[:, None] < lengths
        inputs[:longest, :, : self.bits] = vectors * heard[:, :, None]
        first_delimiter_channel = self.bits if self.encoding == "graves2014" else 0
        inputs[lengths, np.arange(count), first_delimiter_channel:] = 1
        return answered(inputs, vectors, lengths + 1, lengths)
