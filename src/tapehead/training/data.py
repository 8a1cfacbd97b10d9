"""Where batches come from: each is a pure function of the run's seed, its purpose and its number.

In training it is a function of the curriculum's state as well, which a checkpoint holds. Nothing about data has to be
saved, then: a resumed run draws what the undisturbed one would have drawn, and no sequence that a model is evaluated on
comes up in its training. Everything is drawn on the CPU, so it is the same for every device.
"""

from enum import IntEnum
from typing import Any

import numpy as np

from tapehead.tasks import TASKS, Batch, Size, Sizes, Task
from tapehead.training.config import RunConfig
from tapehead.training.curricula import Curriculum, draw
from tapehead.training.errors import TaskError


class Purpose(IntEnum):
    """What a batch is for. Each has random numbers of its own; a number once given is never given to another."""

    TRAINING = 0
    EVALUATION = 1
    GENERALIZATION = 2
    PICTURE = 3
    CURRICULUM = 4
    VERIFICATION = 5


def make_generator(seed: int, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """Make the counter-based generator that belongs to a seed, a purpose and the numbers of a batch."""
    key = np.random.SeedSequence(seed, spawn_key=(purpose, *numbers))
    return np.random.Generator(np.random.Philox(key))


def draw_training_batch(config: RunConfig, task: Task, curriculum: Curriculum, step: int) -> tuple[Sizes, Batch]:
    """Draw the batch of a training step, and give the sizes of its sequences, (B, K)."""
    generator = make_generator(config.seed, Purpose.TRAINING, step)
    sizes = _draw_sizes(config, curriculum, generator)
    return sizes, sample(task, sizes, generator)


def _draw_sizes(config: RunConfig, curriculum: Curriculum, generator: np.random.Generator) -> Sizes:
    """Draw the sizes of a batch from a curriculum, which may be anybody's.

    Raises:
        TaskError: The curriculum raises an error, or what it gives are no sizes.
    """
    try:
        sizes = draw(curriculum, config.sizes_per, config.batch_size, generator)
    except Exception as problem:
        reason = f"{type(problem).__name__}: {problem}"
        raise TaskError(f"{type(curriculum).__name__}.draw: expected sizes, not an error: {reason}") from problem
    drawn: Any = sizes  # as its author wrote it
    shape = (config.batch_size, len(curriculum.max_size))
    whole = isinstance(drawn, np.ndarray) and np.issubdtype(drawn.dtype, np.integer)
    if not whole or drawn.shape != shape or drawn.min(initial=1) < 1:
        found = f"{drawn.dtype} of shape {drawn.shape}" if isinstance(drawn, np.ndarray) else type(drawn).__name__
        expected = f"an array of whole numbers >= 1 of shape {shape}"
        raise TaskError(f"{type(curriculum).__name__}.draw: expected {expected}, not {found}")
    return sizes


def draw_batch_of_size(task: Task, size: Size, count: int, generator: np.random.Generator) -> Batch:
    """Draw sequences that are all of one size."""
    return sample(task, np.tile(np.array(size, np.int64), (count, 1)), generator)


def sample(task: Task, sizes: Sizes, generator: np.random.Generator) -> Batch:
    """Draw from a task, which may be anybody's.

    Raises:
        TaskError: The task raises an error, or what it gives is no batch of so many sequences.
    """
    try:
        drawn = task.sample(sizes, generator)
    except MemoryError:
        raise
    except Exception as problem:
        reason = f"{type(problem).__name__}: {problem}"
        raise TaskError(f"{type(task).__name__}.sample: expected sequences, not an error: {reason}") from problem
    if type(task) in TASKS.values():  # these are tested; what anybody else's give is checked every time
        return drawn
    try:
        task.check_batch(drawn, len(sizes))
    except (TypeError, ValueError) as problem:
        raise TaskError(str(problem)) from problem
    return drawn


# ----------------------------------------------------------------------------------------------- is it a proper task?

RECORDED = ("seed", "step", "memory_slots")
"""What a record of an evaluation has besides a score and the names of a size."""


def check_task(task: Task, reserved: tuple[str, ...]) -> None:
    """Raise unless a task is valid: its size names, and a batch of its smallest and one of its largest size.

    Args:
        task: Any task.
        reserved: Names of other fields in the records, which a size cannot have.

    Raises:
        TypeError: Something is of the wrong type.
        ValueError: Something has a wrong value or shape.
        TaskError: It cannot draw a sequence.
    """
    _check_size_names(task, reserved)
    for size in dict.fromkeys((task.min_size, task.max_size)):
        task.check_batch(draw_batch_of_size(task, size, 2, np.random.default_rng(0)), 2)


def _check_size_names(task: Task, reserved: tuple[str, ...]) -> None:
    label, count = f"{type(task).__name__}.size_names", len(task.max_size)
    names: Any = task.size_names
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{label}: expected a tuple of strings, not {names!r}")
    if len(names) != count:
        raise ValueError(f"{label}: expected one for each of the {count} numbers of max_size, not {names!r}")
    for name in names:
        if not name.isidentifier() or name in {*RECORDED, *reserved}:
            raise ValueError(f"{label}: expected identifiers that records use for nothing else, not {name!r}")
