"""What a curriculum is: it says how large the next questions are, and may hear what came of the last."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tapehead.tasks import Size, Sizes, Task

Numbers: TypeAlias = NDArray[np.float64]


class Curriculum(ABC):
    """Which sizes of question are trained on, and when.

    What it hears changes its state and nothing else does; randomness comes from the generators that it is handed. So a
    curriculum that is given another's state goes on as the other would have.
    """

    wants_gains: ClassVar[bool] = False
    """Whether it goes by what each update gained, which takes a forward pass more to find out."""

    def __init__(self, task: Task) -> None:
        self.smallest, self.largest = task.smallest, task.largest

    @abstractmethod
    def draw(self, count: int, generator: np.random.Generator) -> Sizes:
        """Draw the sizes of that many questions, (count, K), from the task's range."""

    @property
    @abstractmethod
    def mean_size(self) -> tuple[float, ...]:
        """The mean of the sizes that are drawn as things stand, K numbers."""

    @property
    @abstractmethod
    def awaited(self) -> Size | None:
        """The size to be solved before larger ones come; None where none is waited for."""

    @abstractmethod
    def hear_errors(self, bit_errors: float) -> None:
        """Take in how well questions of the size `awaited` are answered.

        Args:
            bit_errors: Per sequence; where no answer can be certain, bits above the best possible.
        """

    @abstractmethod
    def hear_gains(self, sizes: Sizes, gains: Numbers, generator: np.random.Generator) -> None:
        """Take in what an update gained on its own batch.

        Args:
            sizes: How large its questions were, (B, K).
            gains: By how many bits per step each sequence is predicted better than before the update, (B,).
            generator: Where the randomness comes from.
        """

    def state(self) -> dict[str, Any]:
        """Give all that hearing changes, as what JSON can hold."""
        return {}

    def load_state(self, state: object) -> None:
        """Take back what `state` gave.

        Raises:
            ValueError: It cannot be the state of this curriculum on this task.
        """
        if state != {}:
            raise ValueError(f"expected no state, not {state!r}")


def is_count(value: object, most: int) -> bool:
    """Say whether a value that JSON gave back is a whole number from 0 to `most`."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
