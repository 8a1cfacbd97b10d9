"""A run as it stood at its last checkpoint, for evaluating and looking at."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from tapehead.models import Model
from tapehead.tasks import Task
from tapehead.training.checkpoints import last_checkpoint
from tapehead.training.config import RunConfig
from tapehead.training.errors import RunDirError
from tapehead.training.restore import restore
from tapehead.training.run_dir import CHECKPOINTS, read_config
from tapehead.training.step import Learner


class LoadedRun(NamedTuple):
    """A run as it stood at its last checkpoint."""

    config: RunConfig
    step: int
    task: Task
    model: Model


def load_run(path: Path, warn: Callable[[str], None], device: torch.device | str = "cpu") -> LoadedRun:
    """Read a run's model as it stood at the last checkpoint; a finished run's is the trained one.

    Args:
        path: The run directory.
        warn: Called with a sentence about every checkpoint that is damaged.
        device: Where the model is put.

    Raises:
        RunDirError: There is no run here, or it has no checkpoint yet.
        BrokenCheckpointError: No checkpoint is whole.
        TypeError: A field of run.json is of the wrong type.
        ValueError: run.json is no configuration of a run.
    """
    learner = Learner(read_config(path), device)
    checkpoint, problems = last_checkpoint(path / CHECKPOINTS)
    if checkpoint is None:
        raise RunDirError(f"{path}: this run has no checkpoint yet")
    for problem in problems:
        warn(f"{problem}; taking the one before, of step {checkpoint.step}")
    restore(learner, checkpoint, path)
    return LoadedRun(learner.config, checkpoint.step, learner.task, learner.model)
