"""Repeat copy: given bit vectors and a number, produce them that many times (Graves et al. 2014, section 4.2)."""

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from tapehead._arguments import check_choice, check_count, check_number
from tapehead.tasks.batch import Batch, Counts, Encoding, Size, Sizes, check_range, check_sizes, draw_vectors, end_with
from tapehead.tasks.targets import BitTask


@dataclass(frozen=True, kw_only=True)
class RepeatCopy(BitTask):
    """L random bit vectors and a number n; the targets are the vectors n times over, over L n blank steps.

    With 2 vectors of 3 bits, 2 times (columns are steps, rows channels, a dot is 0):

        encoding        graves2014 in      out                collier2018 in       out
        bit 1           1 . . . . . . .    - - - 1 . 1 . .    . 1 . . . . . .      - - - - 1 . 1 .
        bit 2           . 1 . . . . . .    - - - . 1 . 1 .    . . 1 . . . . .      - - - - . 1 . 1
        bit 3           1 1 . . . . . .    - - - 1 1 1 1 .    . 1 1 . . . . .      - - - - 1 1 1 1
        start                                                 1 . . . . . . .
        number          . . n . . . . .                       . . . n . . . .
        end marker                         - - - . . . . 1

    Steps marked with - are not scored. In graves2014 the number, less its mean over the range that is trained on and
    divided by its standard deviation there, stands for the delimiter, and an end marker follows the last copy, on an
    output channel of its own that is scored all along. In collier2018 there is a start step, the number is n / 10,
    and there is no end marker. A sequence takes L n + L + 2 time steps.

    Args:
        encoding: How the number is written, and whether there is an end marker.
        bits: Number of bits in a vector.
        min_length: Smallest number of vectors in training.
        max_length: Largest number of vectors in training.
        min_repeats: Smallest number of repeats in training.
        max_repeats: Largest number of repeats in training.
        zero_vectors: The probability, in every second sequence of training, that a vector is replaced by zeros. Zeros
            are what is shown during the answer, so a model must not go by them; by chance they are too rare to learn.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range, or the mean of the numbers that are trained on is one of them: in
            graves2014 it would be written as 0, which says nothing.
    """

    encoding: Encoding = "graves2014"
    bits: int = 8
    min_length: int = 1
    max_length: int = 10
    min_repeats: int = 1
    max_repeats: int = 10
    zero_vectors: float = 0.0

    def __post_init__(self) -> None:
        check_choice("encoding", self.encoding, get_args(Encoding))
        check_count("bits", self.bits)
        check_range("min_length", self.min_length, "max_length", self.max_length)
        check_range("min_repeats", self.min_repeats, "max_repeats", self.max_repeats)
        check_number("zero_vectors", self.zero_vectors, 0, 1)
        if self.encoding == "graves2014" and (self.min_repeats + self.max_repeats) % 2 == 0:
            lost = (self.min_repeats + self.max_repeats) // 2
            raise ValueError(
                f"max_repeats: expected an odd sum with min_repeats={self.min_repeats}, not {self.max_repeats}: "
                f"graves2014 would write {lost} repeats as 0, no different from a blank step"
            )

    @property
    def input_size(self) -> int:
        """The bits and the number; in collier2018 also the start."""
        return self.bits + (1 if self.encoding == "graves2014" else 2)

    @property
    def output_size(self) -> int:
        """The bits; in graves2014 also the end marker."""
        return self.bits + self._markers

    @property
    def _markers(self) -> int:
        """Channels, and steps, that an end marker takes."""
        return 1 if self.encoding == "graves2014" else 0

    @property
    def size_names(self) -> tuple[str, ...]:
        """A sequence has a length, in vectors, and a number of repeats."""
        return ("length", "repeats")

    @property
    def min_size(self) -> Size:
        """The shortest list and the smallest number that are trained on."""
        return (self.min_length, self.min_repeats)

    @property
    def max_size(self) -> Size:
        """The longest list and the largest number that are trained on."""
        return (self.max_length, self.max_repeats)

    @property
    def eval_sizes(self) -> tuple[Size, ...]:
        """The largest, then twice the number, then twice the length: the points of both papers."""
        length, repeats = self.max_size
        return (self.max_size, (length, 2 * repeats), (2 * length, repeats))

    def memory_needed(self, size: Size) -> int:
        """All vectors of the sequence."""
        return size[0]

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw lists of vectors and numbers of repeats of these sizes, (B, 2)."""
        return self._draw(sizes, generator, 0.0)

    def sample_training(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw as `sample` does, with more vectors of zeros if there are to be."""
        return self._draw(sizes, generator, self.zero_vectors)

    def _draw(self, sizes: Sizes, generator: np.random.Generator, zero_vectors: float) -> Batch:
        check_sizes(sizes, self.size_names)
        lengths, repeats = sizes[:, 0], sizes[:, 1]
        count, longest = len(sizes), int(lengths.max(initial=0))
        vectors = draw_vectors(generator, longest, count, self.bits, zero_vectors)
        start = 0 if self.encoding == "graves2014" else 1
        number_step, rows = start + lengths, np.arange(count)
        copied = lengths * repeats
        target_count = copied + self._markers

        inputs = np.zeros((int((number_step + 1 + target_count).max(initial=1)), count, self.input_size), np.float32)
        present = np.arange(longest)[:, None] < lengths
        inputs[:start, :, self.bits] = 1
        inputs[start : start + longest, :, : self.bits] = vectors * present[:, :, None]
        inputs[number_step, rows, -1] = self._encode_repeats(repeats)

        order = np.arange(copied.max(initial=0) + 1)[:, None]
        outputs = np.zeros((len(order), count, self.output_size), np.uint8)
        outputs[:, :, : self.bits] = vectors[order % lengths, rows] * (order < copied)[:, :, None]
        outputs[copied, rows, self.bits :] = 1
        return end_with(inputs, outputs, number_step + 1, target_count)

    def _encode_repeats(self, repeats: Counts) -> NDArray[np.float64]:
        """Encode numbers of repeats as inputs."""
        if self.encoding == "collier2018":
            return repeats / 10
        numbers = np.arange(self.min_repeats, self.max_repeats + 1)
        written: NDArray[np.float64] = (repeats - numbers.mean()) / numbers.std()
        return written
