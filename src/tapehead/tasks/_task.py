"""What a task is: questions with answers, of any size, that know nothing of models."""

from abc import ABC, abstractmethod
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from tapehead._shapes import Inputs, Lengths, PerSequence, Scored, Targets

Encoding: TypeAlias = Literal["graves2014", "collier2018"]
"""Whose way of writing a question in bits: the first three tasks of Graves et al. 2014 have two."""

Size: TypeAlias = tuple[int, ...]
"""How large one question is: a number for each of the task's `size_names`."""

Sizes: TypeAlias = NDArray[np.int64]
"""The sizes of B questions, (B, K) with K = len(size_names)."""

Counts: TypeAlias = NDArray[np.int64]
"""A whole number for each of B questions, (B,)."""


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

    A task of one's own derives from this class and is trained by its import path: examples/your_own_task.py.
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

        In the tasks of this package a question does not depend on how large the others are, only on how many there are.

        Args:
            sizes: How large each is to be, (B, K), every entry at least 1; more than `largest` is welcome.
            generator: Where all randomness comes from.

        Returns:
            The questions and their answers; T is the number of steps of the longest.

        Raises:
            ValueError: There is no question of such a size.
        """

    def best(self, batch: Batch) -> PerSequence | None:  # noqa: ARG002
        """Say how well these questions can be answered at best, by whoever knows the task but not the answers.

        Args:
            batch: Questions that this task drew.

        Returns:
            Bits per sequence, (B,); None where every answer follows from its question, so that 0 bits are possible.
        """
        return None


def fair_bits(generator: np.random.Generator, steps: int, count: int, bits: int) -> NDArray[np.uint8]:
    """Toss a fair coin for every bit, (steps, count, bits)."""
    tosses = steps * count * bits
    drawn = np.frombuffer(generator.bytes(-(-tosses // 8)), np.uint8)
    return np.unpackbits(drawn, count=tosses).reshape(steps, count, bits)


def answered(inputs: NDArray[np.float32], answers: NDArray[Any], first: Counts, due: Counts) -> Batch:
    """Join questions and answers: each sequence ends with its answer, and every step of that is scored.

    Args:
        inputs: The questions with blank steps for the answers, (T, B, I).
        answers: The answers one below the other, from the top, (A, B, O), A at least the largest `due`.
        first: The first step on which an answer is due, (B,).
        due: How many steps it takes, (B,).
    """
    place = np.arange(len(inputs))[:, None] - first
    scored = (place >= 0) & (place < due)
    targets = np.zeros((*scored.shape, answers.shape[2]), np.float32)
    targets[scored] = answers[place[scored], np.nonzero(scored)[1]]
    return Batch(*map(torch.from_numpy, (inputs, targets, scored, first + due)))
