"""A task of your own is a file like this: `cd examples`, then `tapehead train your_own_task:Parity --every 2`."""

from dataclasses import dataclass

import numpy as np
import torch

from tapehead.tasks import Batch, BitTask, Size, Sizes


@dataclass(frozen=True, kw_only=True)
class Parity(BitTask):
    """Bits come one by one; the output is whether the ones so far are odd in number.

    Args:
        every: Time steps from one scored output to the next.
        max_length: The longest sequence that is trained on.
    """

    every: int = 1
    max_length: int = 20

    input_size, output_size, size_names, min_size = 1, 1, ("length",), (1,)

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every: expected a whole number >= 1, not {self.every}")

    @property
    def max_size(self) -> Size:
        """The largest size that is trained on."""
        return (self.max_length,)

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw a sequence of bits of each length, (B, 1); all randomness comes from the generator."""
        lengths = torch.from_numpy(sizes[:, 0])
        left = lengths - 1 - torch.arange(int(lengths.max())).unsqueeze(1)  # below 0 behind the end, which is padding
        mask = (left >= 0) & (left % self.every == 0)
        bits = torch.from_numpy(generator.integers(0, 2, left.shape)) * (left >= 0)
        return Batch(bits.unsqueeze(2).float(), (bits.cumsum(0) % 2 * mask).unsqueeze(2).float(), mask, lengths)
