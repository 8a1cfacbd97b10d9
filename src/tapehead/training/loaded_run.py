"""A run as it stands: trained, or at its last checkpoint; for evaluating and looking at."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load

from tapehead.models import Model
from tapehead.models.files import WEIGHTS
from tapehead.tasks import Task
from tapehead.training.checkpoints import last_checkpoint
from tapehead.training.config import RunConfig
from tapehead.training.errors import DamagedFileError, RunDirError
from tapehead.training.restore import check_data, check_result, recorded_data, restore
from tapehead.training.run_dir import CHECKPOINTS, read_config
from tapehead.training.step import Learner


class LoadedRun(NamedTuple):
    """A run as it stands: finished, or at its last checkpoint.

    Attributes:
        config: Its configuration.
        step: The training steps that its model has had.
        task: Its task.
        model: Its model.
    """

    config: RunConfig
    step: int
    task: Task
    model: Model


def load_run(path: Path, warn: Callable[[str], object], device: torch.device | str = "cpu") -> LoadedRun:
    """Read a run's model: the trained one of a finished run, and else the one of its last checkpoint.

    Args:
        path: The run directory.
        warn: Called with a sentence about every file that is damaged.
        device: Where the model is put.

    Raises:
        RunDirError: There is no run here, its configuration or a file that its task reads was changed, or it has no
            checkpoint yet.
        DamagedFileError: No checkpoint is whole, or the weights are not those of the run's model.
        TypeError: A field of run.json is of the wrong type.
        ValueError: run.json is no configuration of a run.
        TaskError: The task or the curriculum raises an error, or what it returns is not valid.
    """
    learner = Learner(read_config(path), device)
    result, damaged = check_result(path)
    if result is not None and not damaged:
        check_data(path, learner, recorded_data(path))
        try:
            learner.model.load_state_dict(load((path / WEIGHTS).read_bytes()))
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise DamagedFileError(f"{path / WEIGHTS}: the weights are of another model: {reason}") from error
        return LoadedRun(learner.config, result.step, learner.task, learner.model)
    checkpoint, problems = last_checkpoint(path / CHECKPOINTS)
    if checkpoint is None:
        raise RunDirError(
            "; ".join([*damaged.values(), f"{path}: this run has no checkpoint" + " yet" * (not damaged)])
        )
    restore(learner, checkpoint, path)
    for problem in (*damaged.values(), *problems):
        warn(f"{problem}; taking the checkpoint of step {checkpoint.step}")
    return LoadedRun(learner.config, checkpoint.step, learner.task, learner.model)
