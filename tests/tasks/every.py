"""Every task in every encoding, and sizes to draw, some beyond what is trained on."""

import inspect
from typing import get_args

import numpy as np

from tapehead.tasks import (
    MQAR,
    TASKS,
    AssociativeRecall,
    Batch,
    Copy,
    Encoding,
    GroupWords,
    NGrams,
    PrioritySort,
    RepeatCopy,
    Sizes,
    StringTask,
    Task,
    Text,
)

ENCODED: dict[str, tuple[str, str]] = {
    f"{name} {encoding}".strip(): (name, encoding)
    for name, task in TASKS.items()
    for encoding in (get_args(Encoding) if "encoding" in inspect.signature(task).parameters else [""])
}
"""A name and an encoding, empty where a task has but one, by both in a word."""

EVERY: dict[str, Task] = {
    both: TASKS[name](**({"encoding": encoding} if encoding else {})) for both, (name, encoding) in ENCODED.items()
}

REACH: dict[type[Task], tuple[tuple[int, ...], tuple[int, ...]]] = {
    # the smallest sizes that there are, and twice the largest that are trained on or more
    Copy: ((1,), (40,)),
    RepeatCopy: ((1, 1), (20, 20)),
    AssociativeRecall: ((2,), (20,)),
    NGrams: ((1,), (400,)),
    PrioritySort: ((1,), (40,)),
    GroupWords: ((1,), (120,)),
    MQAR: ((1,), (32,)),
    Text: ((1,), (300,)),
} | {task: ((task.least_length,), (80,)) for task in TASKS.values() if issubclass(task, StringTask)}


def generator(seed: int = 0) -> np.random.Generator:
    """A generator of the kind that training uses."""
    return np.random.Generator(np.random.Philox(seed))


def sizes_of(task: Task, count: int, seed: int = 0) -> Sizes:
    """Draw sizes over a task's whole reach, every axis on its own."""
    smallest, largest = REACH[type(task)]
    return generator(seed).integers(smallest, largest, (count, len(largest)), np.int64, endpoint=True)


def sampled(task: Task, sizes: list[tuple[int, ...]], seed: int = 0) -> Batch:
    """Draw sequences of these sizes."""
    return task.sample(np.array(sizes, np.int64).reshape(len(sizes), len(task.size_names)), generator(seed))
