"""Curricula that begin with the smallest size and grow when it is solved.

After Collier & Beel 2018 (An Empirical Comparison of Syllabuses for Curriculum Learning, arXiv 1809.10789) and its
published code; naive is that of Zaremba & Sutskever 2014 (arXiv 1410.4615), who also mixed in other sizes. All three
have a current size, of which most sequences are. At every evaluation the model is tried on fresh sequences of that
size; if it makes fewer errors than the threshold, the next size follows. A curriculum never goes back.
"""

from abc import abstractmethod
from typing import Any, ClassVar, final

import numpy as np

from tapehead._arguments import check_number
from tapehead.tasks import Size, Sizes, Task
from tapehead.training.curricula.curriculum import Curriculum, Numbers, is_count


class Growing(Curriculum):
    """A curriculum that goes through stages, from the smallest to the largest size."""

    other_share: ClassVar[float]
    """The share of sequences that are not of the current size, but of any size up to `max_other`."""

    def __init__(self, task: Task, *, threshold: float = 1.0) -> None:
        super().__init__(task)
        check_number("threshold", threshold, above=0)
        self.threshold = threshold
        self.stages = list_stages(self.min_size, self.max_size)
        self.stage = 0

    @property
    def current(self) -> Size:
        """The size of most sequences."""
        return self.stages[self.stage]

    @property
    def waits_for(self) -> Size | None:
        """The current size, until it is the largest."""
        return self.current if self.current != self.max_size else None

    @property
    @abstractmethod
    def max_other(self) -> Size:
        """The largest size of the sequences that are not of the current size."""

    def draw(self, count: int, generator: np.random.Generator) -> Sizes:
        """Draw the current size or, for a share of the sequences, any size up to `max_other`, (count, K)."""
        others = generator.integers(self.min_size, self.max_other, (count, len(self.current)), np.int64, endpoint=True)
        return np.where(generator.random((count, 1)) < self.other_share, others, np.array(self.current, np.int64))

    @property
    def mean_size(self) -> tuple[float, ...]:
        """The mean of the current size and, by their share, of the others, K numbers."""
        ranges = zip(self.min_size, self.max_other, self.current, strict=True)
        return tuple(size + self.other_share * ((low + high) / 2 - size) for low, high, size in ranges)

    def report_errors(self, errors: float) -> None:
        """Go on to the next stage if the current size is solved."""
        if errors < self.threshold and self.waits_for is not None:
            self.stage += 1

    def report_gains(self, sizes: Sizes, gains: Numbers, generator: np.random.Generator) -> None:
        """Ignore it: gains do not count here."""

    def state(self) -> dict[str, Any]:
        """Give the number of the stage, from 0."""
        return {"stage": self.stage}

    def load_state(self, state: object) -> None:
        """Restore the number of the stage.

        Raises:
            ValueError: There is no such stage.
        """
        last = len(self.stages) - 1
        if not isinstance(state, dict) or state.keys() != {"stage"} or not is_count(state["stage"], last):
            raise ValueError(f"expected a stage from 0 to {last}, not {state!r}")
        self.stage = state["stage"]


@final
class Naive(Growing):
    """Draw the current size always.

    Args:
        task: What is learned.
        threshold: Errors per sequence, or bits above the best possible, below which a size is solved.
    """

    other_share = 0.0

    @property
    def max_other(self) -> Size:
        """The current size."""
        return self.current


@final
class LookBack(Growing):
    """Draw the current size, and a tenth of the time any size up to it, so that what was learned is kept.

    Args:
        task: What is learned.
        threshold: Errors per sequence, or bits above the best possible, below which a size is solved.
    """

    other_share = 0.1

    @property
    def max_other(self) -> Size:
        """The current size."""
        return self.current


@final
class LookBackAndForward(Growing):
    """Draw the current size, and a fifth of the time any size of the whole range.

    Args:
        task: What is learned.
        threshold: Errors per sequence, or bits above the best possible, below which a size is solved.
    """

    other_share = 0.2

    @property
    def max_other(self) -> Size:
        """The largest size."""
        return self.max_size


def list_stages(min_size: Size, max_size: Size) -> list[Size]:
    """List sizes from the smallest to the largest: from one to the next, one number doubles.

    That is the last of the numbers that can still grow: repeat copy's repeats come first, then its length, and copy's
    length grows 1, 2, 4, 8, 16, 20. So it is in the published code, but for recall, which gets one item more at a
    time there; here one rule serves every task.
    """
    stages = [min_size]
    while stages[-1] != max_size:
        size = list(stages[-1])
        axis = max(axis for axis, (now, most) in enumerate(zip(size, max_size, strict=True)) if now < most)
        size[axis] = min(max(2 * size[axis], 1), max_size[axis])
        stages.append(tuple(size))
    return stages
