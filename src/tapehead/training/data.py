"""Where batches come from: each is a pure function of the run's seed, its purpose and its number.

In training it is a function of the curriculum's state as well, which a checkpoint holds. Nothing else about data has to
be saved: a resumed run draws what the undisturbed one would have drawn, and no sequence that a model is evaluated on
comes up in its training. Everything is drawn on the CPU, so it is the same for every device.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Any

import numpy as np

from tapehead._shapes import Inputs, Symbols
from tapehead.models import Model
from tapehead.tasks import TASKS, Batch, Size, Sizes, StreamTask, Task
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
    MEMORY = 6


def make_generator(seed: int, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """Make the counter-based generator that belongs to a seed, a purpose and the numbers of a batch."""
    key = np.random.SeedSequence(seed, spawn_key=(purpose, *numbers))
    return np.random.Generator(np.random.Philox(key))


def model_inputs(model: Model, task: Task, batch: Batch) -> Inputs | Symbols:
    """Return what a model gets of a batch: token ids if it has an embedding, and else channels."""
    return task.input_channels(batch) if model.embedding is None else batch.inputs


def draw_training_batch(config: RunConfig, task: Task, curriculum: Curriculum, step: int) -> tuple[Sizes, Batch]:
    """Draw the batch of a training step, and give the sizes of its sequences, (B, K)."""
    generator = make_generator(config.seed, Purpose.TRAINING, step)
    sizes = draw_sizes(config, curriculum, generator)
    if not isinstance(task, StreamTask):
        return sizes, _draw_checked(task, task.sample_training, sizes, generator)
    return sizes, sample_continued(task, sizes, config.seed, step)


def sample_continued(task: StreamTask, sizes: Sizes, seed: int, step: int) -> Batch:
    """Draw what a task without end, which may be anybody's, is trained on at a training step.

    Raises:
        TaskError: The task raises an error, or what it gives is no batch of so many sequences.
    """
    same = make_generator(seed, Purpose.TRAINING, 0)
    return _draw_checked(task, partial(_at_step, task, step), sizes, same, "sample_continued")


def _at_step(task: StreamTask, step: int, sizes: Sizes, generator: np.random.Generator) -> Batch:
    return task.sample_continued(sizes, step, generator)


def draw_sizes(config: RunConfig, curriculum: Curriculum, generator: np.random.Generator) -> Sizes:
    """Draw the sizes of a batch from a curriculum, which may be anybody's.

    Raises:
        TaskError: The curriculum raises an error, or what it returns are not sizes from `min_size` to `max_size`.
    """
    try:
        sizes = draw(curriculum, config.sizes_per, config.batch_size, generator)
    except Exception as problem:
        reason = f"{type(problem).__name__}: {problem}"
        raise TaskError(f"{type(curriculum).__name__}.draw: expected sizes, not an error: {reason}") from problem
    drawn: Any = sizes  # as its author wrote it
    name, least, most = f"{type(curriculum).__name__}.draw", curriculum.min_size, curriculum.max_size
    shape = (config.batch_size, len(most))
    if not (isinstance(drawn, np.ndarray) and np.issubdtype(drawn.dtype, np.integer) and drawn.shape == shape):
        found = f"{drawn.dtype} of shape {drawn.shape}" if isinstance(drawn, np.ndarray) else type(drawn).__name__
        raise TaskError(f"{name}: expected an array of whole numbers of shape {shape}, not {found}")
    wrong = ((drawn < least) | (drawn > most)).any(axis=1)
    if wrong.any():
        first = tuple(drawn[wrong][0].tolist())
        raise TaskError(f"{name}: expected sizes from min_size={least} to max_size={most}, not {first}")
    return sizes


def draw_batch_of_size(task: Task, size: Size, count: int, generator: np.random.Generator) -> Batch:
    """Draw sequences that are all of one size."""
    return sample(task, np.tile(np.array(size, np.int64), (count, 1)), generator)


def sample(task: Task, sizes: Sizes, generator: np.random.Generator) -> Batch:
    """Draw what a task, which may be anybody's, is tested on.

    Raises:
        TaskError: The task raises an error, or what it gives is no batch of so many sequences.
    """
    return _draw_checked(task, task.sample, sizes, generator)


def _draw_checked(
    task: Task,
    draw: Callable[[Sizes, np.random.Generator], Batch],
    sizes: Sizes,
    generator: np.random.Generator,
    method: str = "sample",
) -> Batch:
    try:
        drawn = draw(sizes, generator)
    except MemoryError:
        raise
    except Exception as problem:
        reason = f"{type(problem).__name__}: {problem}"
        raise TaskError(f"{type(task).__name__}.{method}: expected sequences, not an error: {reason}") from problem
    if type(task) in TASKS.values():  # these are tested; what anybody else's give is checked every time
        return drawn
    try:
        task.check_batch(drawn, len(sizes))
    except (TypeError, ValueError) as problem:
        raise TaskError(str(problem).replace(".sample:", f".{method}:", 1)) from problem
    return drawn
