"""Where batches come from: every one is a pure function of the run's seed, its purpose and its number.

In training it is a function of the curriculum's state as well, which a checkpoint holds. Nothing about data has to be
saved, then: a resumed run draws what the undisturbed one would have drawn, and what a model is tried on never comes up
in its training.
"""

from enum import IntEnum

import numpy as np

from tapehead.tasks import Batch, Size, Sizes, Task
from tapehead.training.curricula import Curriculum, draw
from tapehead.training.run import Run


class Purpose(IntEnum):
    """What a batch is for. Each has random numbers of its own; a number once given is never given to another."""

    TRAINING = 0
    EVALUATION = 1
    GENERALISATION = 2
    PICTURE = 3
    CURRICULUM = 4


def generator(seed: int, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """Make the counter-based generator that belongs to a seed, a purpose and the numbers of a batch."""
    key = np.random.SeedSequence(seed, spawn_key=(purpose, *numbers))
    return np.random.Generator(np.random.Philox(key))


def training_batch(run: Run, task: Task, curriculum: Curriculum, update: int) -> tuple[Sizes, Batch]:
    """Draw the batch that the update of this number learns from, and say the sizes of its questions, (B, K)."""
    source = generator(run.seed, Purpose.TRAINING, update)
    sizes = draw(curriculum, run.lengths_per, run.batch_size, source)
    return sizes, task.sample(sizes, source)


def batch_of_size(task: Task, size: Size, count: int, source: np.random.Generator) -> Batch:
    """Draw questions that are all of one size."""
    return task.sample(np.tile(np.array(size, np.int64), (count, 1)), source)
