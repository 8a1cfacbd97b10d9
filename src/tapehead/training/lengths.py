"""Which sizes of question are trained on, and when."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from tapehead.tasks import Sizes, Task

Curriculum: TypeAlias = Callable[[Task, int, np.random.Generator], Sizes]
"""Draw the sizes of that many questions, (count, K), from the task's range."""


def longest(task: Task, count: int, _: np.random.Generator) -> Sizes:
    """Always ask the largest question."""
    return np.tile(np.array(task.largest, np.int64), (count, 1))


def uniform(task: Task, count: int, generator: np.random.Generator) -> Sizes:
    """Ask questions of every size, each as often, every axis of the size on its own."""
    return generator.integers(task.smallest, task.largest, (count, len(task.largest)), np.int64, endpoint=True)


CURRICULA: dict[str, Curriculum] = {"none": longest, "uniform": uniform}


def draw(curriculum: Curriculum, per: str, task: Task, count: int, generator: np.random.Generator) -> Sizes:
    """Draw a batch's sizes.

    Args:
        curriculum: What draws them.
        per: `sequence`: each sequence has a size of its own; `batch`: one size for all, as in Collier & Beel 2018.
        task: What is asked.
        count: Sequences in the batch.
        generator: Where the randomness comes from.

    Returns:
        The sizes, (count, K).
    """
    if per == "batch":
        return np.repeat(curriculum(task, 1, generator), count, axis=0)
    return curriculum(task, count, generator)
