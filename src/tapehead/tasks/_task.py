"""What a task is: questions with answers, of any size, that know nothing of models."""

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tapehead._shapes import Inputs, Lengths, Scored, Targets

Encoding: TypeAlias = Literal["graves2014", "collier2018"]
"""Whose way of writing a question in bits: the first three tasks of Graves et al. 2014 have two."""

Size: TypeAlias = tuple[int, ...]
"""How large one question is: a number for each of the task's `size_names`."""

Sizes: TypeAlias = NDArray[np.int64]
"""The sizes of B questions, (B, K) with K = len(size_names)."""


class Batch(NamedTuple):
    """Questions and answers side by side, shorter sequences padded at the end with zeros that are not scored."""

    inputs: Inputs  # (T, B, I)
    targets: Targets  # (T, B, O), 0 or 1
    scored: Scored  # (T, B): the steps on which an answer is due
    lengths: Lengths  # (B,): the steps of each sequence; T is the largest


class Task(ABC):
    """A source of questions: what goes in, what is due, and when.

    A task draws everything from the generator it is handed and keeps nothing, so that a batch is a pure function of
    the sizes asked for and of the generator's seed. Which sizes are asked for is the curriculum's business.
    """

    @property
    @abstractmethod
    def input_size(self) -> int:
        """Channels of an input, I."""

    @property
    @abstractmethod
    def output_size(self) -> int:
        """Channels of an output, O."""

    @property
    @abstractmethod
    def size_names(self) -> tuple[str, ...]:
        """What a question's size is counted in, such as ("length",)."""

    @property
    @abstractmethod
    def smallest(self) -> Size:
        """The smallest size that is trained on."""

    @property
    @abstractmethod
    def largest(self) -> Size:
        """The largest size that is trained on."""

    @property
    @abstractmethod
    def further(self) -> tuple[Size, ...]:
        """The sizes on which a trained model is tried unless others are asked for, `largest` and beyond."""

    @abstractmethod
    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw one question for each row of `sizes`.

        Args:
            sizes: How large each is to be, (B, K), every entry at least 1; more than `largest` is welcome.
            generator: Where all randomness comes from.

        Returns:
            The questions and their answers; T is the number of steps of the longest.
        """
