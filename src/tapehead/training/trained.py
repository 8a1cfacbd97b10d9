"""What a run has learned so far, for looking at."""

from pathlib import Path
from typing import NamedTuple

from tapehead.models import Model
from tapehead.tasks import Task
from tapehead.training.checkpoints import last_checkpoint
from tapehead.training.errors import FolderError
from tapehead.training.folder import CHECKPOINTS, read_run
from tapehead.training.learner import Learner
from tapehead.training.loop import Warn, restore
from tapehead.training.run import Run


class Trained(NamedTuple):
    """A run as it stood at its last checkpoint."""

    run: Run
    update: int
    task: Task
    model: Model


def load_trained(path: Path, warn: Warn) -> Trained:
    """Read a run's model as it stood at the last checkpoint; a finished run's is the trained one.

    Args:
        path: The run's folder.
        warn: Told of checkpoints that are damaged, in a sentence.

    Raises:
        FolderError: There is no run here, or it has no checkpoint yet.
        BrokenCheckpointError: No checkpoint is whole.
        TypeError: A field of run.json is of the wrong type.
        ValueError: run.json is no description of a run.
    """
    learner = Learner(read_run(path))
    checkpoint, problems = last_checkpoint(path / CHECKPOINTS)
    if checkpoint is None:
        raise FolderError(f"{path}: this run has no checkpoint yet")
    for problem in problems:
        warn(f"{problem}; taking the one before, of update {checkpoint.update}")
    restore(learner, checkpoint, path)
    return Trained(learner.run, checkpoint.update, learner.task, learner.model)
