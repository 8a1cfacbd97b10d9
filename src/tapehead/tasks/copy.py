"""Copy: given a list of bit vectors, produce it again (Graves et al. 2014, section 4.1)."""

from dataclasses import dataclass
from typing import get_args

import numpy as np

from tapehead._arguments import check_choice, check_count, check_number
from tapehead.tasks.batch import Batch, Encoding, Size, Sizes, check_range, check_sizes, draw_vectors, end_with
from tapehead.tasks.targets import BitTask
from tapehead.tasks.task import LengthTask


@dataclass(frozen=True, kw_only=True)
class Copy(LengthTask, BitTask):
    """L random bit vectors and a delimiter; the targets are the same vectors in order, over L blank steps.

    With 3 vectors of 4 bits (columns are steps, rows channels, a dot is 0):

        encoding        graves2014         collier2018        either
                        in                 in                 out
        bit 1           1 . 1 . . . .      1 . 1 1 . . .      - - - - 1 . 1
        bit 2           . . 1 . . . .      . . 1 1 . . .      - - - - . . 1
        bit 3           1 1 . . . . .      1 1 . 1 . . .      - - - - 1 1 .
        bit 4           . 1 . . . . .      . 1 . 1 . . .      - - - - . 1 .
        delimiter       . . . 1 . . .      . . . 1 . . .

    so the delimiter has a channel of its own in both, and in collier2018's it sets the bits' channels too. Steps marked
    with - are not scored. A sequence of length L takes 2 L + 1 time steps; chance is L * bits / 2 bit errors and
    L * bits bits.

    Args:
        encoding: The paper whose delimiter is used.
        bits: Number of bits in a vector.
        min_length: Smallest number of vectors in training.
        max_length: Largest number of vectors in training.
        zero_vectors: The probability, in every second sequence of training, that a vector is replaced by zeros. Zeros
            are what is shown during the answer, so a model must not go by them; by chance they are too rare to learn.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    encoding: Encoding = "graves2014"
    bits: int = 8
    min_length: int = 1
    max_length: int = 20
    zero_vectors: float = 0.0

    def __post_init__(self) -> None:
        check_choice("encoding", self.encoding, get_args(Encoding))
        check_count("bits", self.bits)
        check_range("min_length", self.min_length, "max_length", self.max_length)
        check_number("zero_vectors", self.zero_vectors, 0, 1)

    @property
    def input_size(self) -> int:
        """The bits, and the delimiter's channel."""
        return self.bits + 1

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.bits

    @property
    def eval_sizes(self) -> tuple[Size, ...]:
        """Up to six times the longest: the points of Collier & Beel 2018, with 120 as in Graves et al. 2014."""
        return tuple((self.max_length * times,) for times in range(1, 7))

    def memory_needed(self, size: Size) -> int:
        """All vectors of the sequence."""
        return size[0]

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw lists of vectors of these lengths, (B, 1)."""
        return self._draw(sizes, generator, 0.0)

    def sample_training(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw as `sample` does, with more vectors of zeros if there are to be."""
        return self._draw(sizes, generator, self.zero_vectors)

    def _draw(self, sizes: Sizes, generator: np.random.Generator, zero_vectors: float) -> Batch:
        check_sizes(sizes, self.size_names)
        lengths = sizes[:, 0]
        count, longest = len(sizes), int(lengths.max(initial=0))
        vectors = draw_vectors(generator, longest, count, self.bits, zero_vectors)
        inputs = np.zeros((2 * longest + 1, count, self.input_size), np.float32)
        present = np.arange(longest)[:, None] < lengths
        inputs[:longest, :, : self.bits] = vectors * present[:, :, None]
        first_delimiter_channel = self.bits if self.encoding == "graves2014" else 0
        inputs[lengths, np.arange(count), first_delimiter_channel:] = 1
        return end_with(inputs, vectors, lengths + 1, lengths)
