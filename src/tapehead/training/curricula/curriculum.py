"""What a curriculum is: it decides how large the next sequences are, and may learn from how the last ones went."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tapehead.tasks import Size, Sizes, Task

Numbers: TypeAlias = NDArray[np.float64]


class Curriculum(ABC):
    """Decides which sizes of sequence are trained on, and when.

    Only what is reported to it changes its state; randomness comes from the generators that it is given. So a
    curriculum that is given another's state goes on as the other would have. Keyword arguments of a constructor are
    the curriculum's options.

    Args:
        task: What is learned, and in which sizes.
    """

    needs_gains: ClassVar[bool] = False
    """Whether it needs to know what each training step gained, which takes one more forward pass."""

    def __init__(self, task: Task) -> None:
        self.min_size, self.max_size = task.min_size, task.max_size

    @abstractmethod
    def draw(self, count: int, generator: np.random.Generator) -> Sizes:
        """Draw sizes from the task's range.

        Args:
            count: Of how many sequences.
            generator: The source of all randomness.

        Returns:
            A size a row, (count, K).
        """

    @property
    @abstractmethod
    def mean_size(self) -> tuple[float, ...]:
        """The mean of the sizes that it draws at present, K numbers."""

    @property
    @abstractmethod
    def waits_for(self) -> Size | None:
        """The size that must be solved before larger ones are drawn; None if it waits for none."""

    @abstractmethod
    def report_errors(self, errors: float) -> None:
        """Take in how well sequences of the size `waits_for` are predicted.

        Args:
            errors: Per sequence; where no prediction can be certain, bits above the best possible.
        """

    @abstractmethod
    def report_gains(self, sizes: Sizes, gains: Numbers, generator: np.random.Generator) -> None:
        """Take in what a training step gained on its own batch.

        Args:
            sizes: The sizes of its sequences, (B, K).
            gains: By how many bits per time step each sequence is predicted better after the step, (B,).
            generator: The source of all randomness.
        """

    def state(self) -> dict[str, Any]:
        """Give all that reports change, as what JSON can hold."""
        return {}

    def load_state(self, state: object) -> None:
        """Restore what `state` gave.

        Args:
            state: As it came back from JSON.

        Raises:
            ValueError: It cannot be the state of this curriculum on this task.
        """
        if state != {}:
            raise ValueError(f"expected no state, not {state!r}")


def is_count(value: object, most: int) -> bool:
    """Say whether a value that JSON gave back is a whole number from 0 to `most`."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
