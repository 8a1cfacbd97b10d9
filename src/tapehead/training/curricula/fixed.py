"""Curricula that never change."""

from typing import final

import numpy as np

from tapehead.tasks import Sizes
from tapehead.training.curricula.curriculum import Curriculum, Numbers


class Fixed(Curriculum):
    """A curriculum that learns nothing from how training goes."""

    @property
    def waits_for(self) -> None:
        """It waits for nothing."""
        return

    def report_errors(self, errors: float) -> None:
        """Ignore it."""

    def report_gains(self, sizes: Sizes, gains: Numbers, generator: np.random.Generator) -> None:
        """Ignore it."""


@final
class Longest(Fixed):
    """Draw the largest size always."""

    def draw(self, count: int, _: np.random.Generator) -> Sizes:
        """Give the largest size, (count, K)."""
        return np.tile(np.array(self.max_size, np.int64), (count, 1))

    @property
    def mean_size(self) -> tuple[float, ...]:
        """The largest size, K numbers."""
        return tuple(map(float, self.max_size))


@final
class Uniform(Fixed):
    """Draw every size equally often, each number of a size on its own."""

    def draw(self, count: int, generator: np.random.Generator) -> Sizes:
        """Draw sizes from the whole range, (count, K)."""
        return generator.integers(self.min_size, self.max_size, (count, len(self.max_size)), np.int64, endpoint=True)

    @property
    def mean_size(self) -> tuple[float, ...]:
        """The middle of the range, K numbers."""
        return tuple((low + high) / 2 for low, high in zip(self.min_size, self.max_size, strict=True))
