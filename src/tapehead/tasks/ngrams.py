"""Dynamic N-grams: predict the bits of a source that is new in every sequence (Graves et al. 2014, section 4.4)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tapehead._arguments import check_count
from tapehead._shapes import PerSequence
from tapehead.tasks.batch import Batch, Size, Sizes, check_range, check_sizes, end_with
from tapehead.tasks.targets import BitTask
from tapehead.tasks.task import LengthTask


@dataclass(frozen=True, kw_only=True)
class NGrams(LengthTask, BitTask):
    """Random bits whose probabilities depend on the few bits before; the target is the next bit, at every step.

    With the bits 1 0 0 1 1 (columns are steps, a dot is 0):

        in     . 1 . . 1
        out    1 . . 1 1

    Each sequence has a source of its own: for each of the 2^C contexts that C bits can form a probability of a 1,
    drawn from Beta(1/2, 1/2). The first C bits are fair coins, every other one is drawn with the probability of the
    C bits before it. All time steps are scored. A sequence takes as many time steps as its size says.

    No prediction can be certain: `optimal_bits` gives the cost of the best possible ones. For 200 time steps they cost
    133.3 bits on average, the 5 fair coins included, with a standard deviation of 36 between sequences, so a model is
    compared with them on the same sequences.

    Args:
        context: How many bits before it the next bit depends on, at most 16.
        min_length: Smallest number of bits in training.
        max_length: Largest number of bits in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    context: int = 5
    min_length: int = 200
    max_length: int = 200

    def __post_init__(self) -> None:
        check_count("context", self.context)
        if self.context > 16:
            raise ValueError(f"context: expected a whole number <= 16, not {self.context}")
        check_range("min_length", self.min_length, "max_length", self.max_length)

    @property
    def input_size(self) -> int:
        """The bit before."""
        return 1

    @property
    def output_size(self) -> int:
        """The bit that comes."""
        return 1

    @property
    def eval_sizes(self) -> tuple[Size, ...]:
        """The longest that is trained on: the paper uses no other."""
        return (self.max_size,)

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw a source for each sequence, and so many bits from it, (B, 1)."""
        check_sizes(sizes, self.size_names)
        steps = sizes[:, 0]
        count, longest = len(sizes), int(steps.max(initial=0))
        contexts = 2**self.context
        ones = generator.beta(0.5, 0.5, count * contexts)  # P(1 | context), all sequences' one below the other
        uniform = generator.random((longest, count))
        start = np.arange(count) * contexts
        shifted = (start[:, None] + 2 * np.arange(contexts) % contexts).ravel()  # the next context, if a 0 comes

        drawn, context = np.empty((longest, count), np.bool_), start
        for step in range(longest):
            probability = 0.5 if step < self.context else ones.take(context)
            bit = np.less(uniform[step], probability, out=drawn[step])
            context = shifted.take(context) + bit

        inputs = np.zeros((max(longest, 1), count, 1), np.float32)
        inputs[1:, :, 0] = drawn[:-1] & (np.arange(1, longest)[:, None] < steps)
        return end_with(inputs, drawn[:, :, None], np.zeros_like(steps), steps)

    def predict_optimally(self, batch: Batch) -> NDArray[np.float64]:
        """Give the best possible predictions: the probability of a 1 at each step, from the bits before it, (T, B).

        It is (N1 + 1/2) / (N1 + N0 + 1), where N1 and N0 count the ones and zeros that have followed the same context.
        """
        bits = batch.targets[:, :, 0].numpy().astype(np.int64)
        contexts, rows = 2**self.context, np.arange(bits.shape[1])
        counts = np.full((len(rows), contexts, 2), 0.5)
        probabilities, context = np.full(bits.shape, 0.5), np.zeros_like(rows)
        for step, bit in enumerate(bits):
            if step >= self.context:
                zeros, ones = counts[rows, context].T
                probabilities[step] = ones / (zeros + ones)
                counts[rows, context, bit] += 1
            context = (2 * context + bit) % contexts
        return probabilities

    def optimal_bits(self, batch: Batch) -> PerSequence:
        """Say what the best possible predictions cost, in bits per sequence, (B,)."""
        probabilities = self.predict_optimally(batch)
        right = np.where(batch.targets[:, :, 0].numpy() > 0.5, probabilities, 1 - probabilities)
        bits = np.where(batch.mask.numpy(), -np.log2(right), 0).sum(axis=0)
        return torch.from_numpy(bits.astype(np.float32))
