"""Dynamic N-grams: foretell the bits of a source that is new every time (Graves et al. 2014, section 4.4)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tapehead._arguments import check_count
from tapehead._shapes import PerSequence
from tapehead.tasks._task import Batch, Size, Sizes, Task, answered


@dataclass(frozen=True, kw_only=True)
class NGrams(Task):
    """Bits of which each depends by chance on the few before it; every bit is due one step before it is heard.

    With the bits 1 0 0 1 1 (columns are steps, a dot is 0):

        in     . 1 . . 1
        due    1 . . 1 1

    Each sequence has a source of its own: for each of the 2^C contexts that C bits can form a probability of a 1,
    drawn from Beta(1/2, 1/2). The first C bits are fair coins, every other one is drawn with the probability of the
    C bits before it. All steps are scored. A question takes as many steps as it is large.

    No answer can be certain: `best` says what the best possible one costs. It is 132.7 bits on average for 200 steps,
    with a spread of 37 bits between sequences, so a model is compared with it on the same sequences.

    Args:
        context: Bits that the next depends on, C; at most 16.
        min_steps: Bits of the shortest sequence that is trained on.
        max_steps: Bits of the longest.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    context: int = 5
    min_steps: int = 200
    max_steps: int = 200

    def __post_init__(self) -> None:
        check_count("context", self.context)
        if self.context > 16:
            raise ValueError(f"context: expected a whole number <= 16, not {self.context}")
        check_count("min_steps", self.min_steps)
        check_count("max_steps", self.max_steps, least=self.min_steps)

    @property
    def input_size(self) -> int:
        """The bit before."""
        return 1

    @property
    def output_size(self) -> int:
        """The bit that comes."""
        return 1

    @property
    def size_names(self) -> tuple[str, ...]:
        """A question has a number of steps."""
        return ("steps",)

    @property
    def smallest(self) -> Size:
        """The shortest that is trained on."""
        return (self.min_steps,)

    @property
    def largest(self) -> Size:
        """The longest that is trained on."""
        return (self.max_steps,)

    @property
    def further(self) -> tuple[Size, ...]:
        """The longest that is trained on: the paper tries no other."""
        return (self.largest,)

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw sources, and bits from them, as many as asked for, (B, 1)."""
        steps = sizes[:, 0]
        count, longest = len(sizes), int(steps.max(initial=0))
        contexts = 2**self.context
        ones = generator.beta(0.5, 0.5, count * contexts)  # P(1 | context), all sequences' one below the other
        luck = generator.random((longest, count))
        start = np.arange(count) * contexts
        shifted = (start[:, None] + 2 * np.arange(contexts) % contexts).ravel()  # the next context, if a 0 comes

        drawn, here = np.empty((longest, count), np.bool_), start
        for step in range(longest):
            chance = 0.5 if step < self.context else ones.take(here)
            bit = np.less(luck[step], chance, out=drawn[step])
            here = shifted.take(here) + bit

        inputs = np.zeros((max(longest, 1), count, 1), np.float32)
        inputs[1:, :, 0] = drawn[:-1] & (np.arange(1, longest)[:, None] < steps)
        return answered(inputs, drawn[:, :, None], np.zeros_like(steps), steps)

    def foretell(self, batch: Batch) -> NDArray[np.float64]:
        """Give the best possible predictions: the probability of a 1 at each step, from the bits before it, (T, B).

        It is (N1 + 1/2) / (N1 + N0 + 1), where N1 and N0 count the ones and zeros that have followed the same context.
        """
        bits = batch.targets[:, :, 0].numpy().astype(np.int64)
        contexts, everyone = 2**self.context, np.arange(bits.shape[1])
        seen = np.full((len(everyone), contexts, 2), 0.5)
        chances, here = np.full(bits.shape, 0.5), np.zeros_like(everyone)
        for step, bit in enumerate(bits):
            if step >= self.context:
                zeros, ones = seen[everyone, here].T
                chances[step] = ones / (zeros + ones)
                seen[everyone, here, bit] += 1
            here = (2 * here + bit) % contexts
        return chances

    def best(self, batch: Batch) -> PerSequence:
        """Say what the best possible predictions cost, in bits per sequence, (B,)."""
        chances = self.foretell(batch)
        right = np.where(batch.targets[:, :, 0].numpy() > 0.5, chances, 1 - chances)
        bits = np.where(batch.scored.numpy(), -np.log2(right), 0).sum(axis=0)
        return torch.from_numpy(bits.astype(np.float32))
