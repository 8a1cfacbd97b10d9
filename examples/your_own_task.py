"""A task of your own is a file like this: `cd examples`, then `tapehead train your_own_task:Parity --max-length 8`."""

from dataclasses import dataclass

import numpy as np
import torch

from tapehead.tasks import Batch, Size, Sizes, Task


@dataclass(frozen=True, kw_only=True)
class Parity(Task):
    """Bits are heard one by one, and at every step it is due whether the ones so far are odd in number."""

    min_length: int = 1  # options that are flags of `tapehead train` can be set there
    max_length: int = 20

    input_size, output_size, size_names = 1, 1, ("length",)

    @property
    def smallest(self) -> Size:
        """The shortest question that is trained on."""
        return (self.min_length,)

    @property
    def largest(self) -> Size:
        """The longest question that is trained on."""
        return (self.max_length,)

    @property
    def further(self) -> tuple[Size, ...]:
        """What `tapehead evaluate` tries."""
        return (self.largest, (2 * self.max_length,), (5 * self.max_length,))

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw a list of bits for each length asked for, (B, 1); all randomness comes from the generator."""
        lengths = torch.tensor(sizes[:, 0])
        scored = torch.arange(int(lengths.max())).unsqueeze(1) < lengths  # what lies behind is padding: zeros
        heard = torch.tensor(generator.integers(0, 2, scored.shape)).unsqueeze(2).float() * scored.unsqueeze(2)
        return Batch(heard, heard.cumsum(0) % 2 * scored.unsqueeze(2), scored, lengths)
