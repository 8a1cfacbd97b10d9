"""Curricula that begin with the smallest question and grow when it is solved.

After Collier & Beel 2018 (An Empirical Comparison of Syllabuses for Curriculum Learning, arXiv 1809.10789) and its
published code; naive is that of Zaremba & Sutskever 2014 (arXiv 1410.4615), who also mixed in other sizes. All three
have a point, where most questions are asked. It is tried at every evaluation on fresh questions of its size, and moves
on where these are answered with less than SOLVED_BELOW bit errors per sequence; where no answer can be certain, with
less than so many bits above the best possible. A point never goes back.
"""

from abc import abstractmethod
from typing import Any, ClassVar, final

import numpy as np

from tapehead.tasks import Size, Sizes, Task
from tapehead.training.curricula._curriculum import Curriculum, Numbers, is_count

SOLVED_BELOW = 1.0
"""Bit errors per sequence below which a point is solved, as in the published code on every task that is also here."""


class Growing(Curriculum):
    """A curriculum with a point, which is a rung of a ladder from the smallest to the largest size."""

    elsewhere: ClassVar[float]
    """The share of questions that are not asked at the point, but drawn up to `farthest`."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.ladder = ladder(self.smallest, self.largest)
        self.rung = 0

    @property
    def point(self) -> Size:
        """Where most questions are asked."""
        return self.ladder[self.rung]

    @property
    def awaited(self) -> Size | None:
        """The point, until it is the largest size."""
        return self.point if self.point != self.largest else None

    @property
    @abstractmethod
    def farthest(self) -> Size:
        """The largest size of the questions that are not asked at the point."""

    def draw(self, count: int, generator: np.random.Generator) -> Sizes:
        """Draw the point or, for a share of the questions, any size up to `farthest`, (count, K)."""
        others = generator.integers(self.smallest, self.farthest, (count, len(self.point)), np.int64, endpoint=True)
        return np.where(generator.random((count, 1)) < self.elsewhere, others, np.array(self.point, np.int64))

    @property
    def mean_size(self) -> tuple[float, ...]:
        """The point, drawn a little towards where the other questions are; K numbers."""
        ranges = zip(self.smallest, self.farthest, self.point, strict=True)
        return tuple(point + self.elsewhere * ((low + high) / 2 - point) for low, high, point in ranges)

    def hear_errors(self, bit_errors: float) -> None:
        """Move on to the next rung if the point is solved."""
        if bit_errors < SOLVED_BELOW and self.awaited is not None:
            self.rung += 1

    def hear_gains(self, sizes: Sizes, gains: Numbers, generator: np.random.Generator) -> None:
        """Stay as it is: gains do not count here."""

    def state(self) -> dict[str, Any]:
        """Give the number of the rung, from 0."""
        return {"rung": self.rung}

    def load_state(self, state: object) -> None:
        """Take back the number of the rung.

        Raises:
            ValueError: There is no such rung.
        """
        highest = len(self.ladder) - 1
        if not isinstance(state, dict) or state.keys() != {"rung"} or not is_count(state["rung"], highest):
            raise ValueError(f"expected a rung from 0 to {highest}, not {state!r}")
        self.rung = state["rung"]


@final
class Naive(Growing):
    """Ask at the point alone."""

    elsewhere = 0.0

    @property
    def farthest(self) -> Size:
        """The point."""
        return self.point


@final
class LookBack(Growing):
    """Ask at the point, and a tenth of the time anywhere up to it, so that what was learned is kept."""

    elsewhere = 0.1

    @property
    def farthest(self) -> Size:
        """The point."""
        return self.point


@final
class LookBackAndForward(Growing):
    """Ask at the point, and a fifth of the time anywhere in the whole range."""

    elsewhere = 0.2

    @property
    def farthest(self) -> Size:
        """The largest size."""
        return self.largest


def ladder(smallest: Size, largest: Size) -> list[Size]:
    """List the points from the smallest to the largest size: from one to the next, one axis doubles.

    That is the last of the axes that can still grow: repeat copy's repeats come first, then its length, and copy's
    only axis grows 1, 2, 4, 8, 16, 20. So it is in the published code, but for recall, which gets one item more at a
    time there; here one rule serves every task.
    """
    rungs = [smallest]
    while rungs[-1] != largest:
        size = list(rungs[-1])
        axis = max(axis for axis, (now, most) in enumerate(zip(size, largest, strict=True)) if now < most)
        size[axis] = min(max(2 * size[axis], 1), largest[axis])
        rungs.append(tuple(size))
    return rungs
