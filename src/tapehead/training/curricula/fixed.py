"""Curricula that stay as they are."""

from typing import final

import numpy as np

from tapehead.tasks import Sizes
from tapehead.training.curricula._curriculum import Curriculum, Numbers


class Fixed(Curriculum):
    """A curriculum that nothing changes."""

    @property
    def awaited(self) -> None:
        """Nothing is waited for."""
        return

    def hear_errors(self, bit_errors: float) -> None:
        """Stay as it is."""

    def hear_gains(self, sizes: Sizes, gains: Numbers, generator: np.random.Generator) -> None:
        """Stay as it is."""


@final
class Longest(Fixed):
    """Always ask the largest question."""

    def draw(self, count: int, _: np.random.Generator) -> Sizes:
        """Give the largest size, (count, K)."""
        return np.tile(np.array(self.largest, np.int64), (count, 1))

    @property
    def mean_size(self) -> tuple[float, ...]:
        """The largest size, K numbers."""
        return tuple(map(float, self.largest))


@final
class Uniform(Fixed):
    """Ask questions of every size, each as often, every axis of the size on its own."""

    def draw(self, count: int, generator: np.random.Generator) -> Sizes:
        """Draw sizes from the whole range, (count, K)."""
        return generator.integers(self.smallest, self.largest, (count, len(self.largest)), np.int64, endpoint=True)

    @property
    def mean_size(self) -> tuple[float, ...]:
        """The middle of the range, K numbers."""
        return tuple((low + high) / 2 for low, high in zip(self.smallest, self.largest, strict=True))
