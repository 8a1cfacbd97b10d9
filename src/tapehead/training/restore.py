"""What earlier training left behind: a checkpoint to go on from, or a result."""

from pathlib import Path

from tapehead.training.checkpoints import Checkpoint
from tapehead.training.errors import BrokenCheckpointError, RunDirError
from tapehead.training.run_dir import RESULT, WEIGHTS, read_json
from tapehead.training.step import Learner
from tapehead.training.train_state import Result


def finished_result(path: Path) -> Result | None:
    """Read how a run ended; None if it has not, or if what it left behind is not all there any more."""
    ended = read_json(path / RESULT)
    whole = isinstance(ended, dict) and ended.keys() == set(Result._fields) and (path / WEIGHTS).exists()
    return Result(**ended) if whole else None


def restore(learner: Learner, checkpoint: Checkpoint, path: Path) -> None:
    """Put a learner into the state of a checkpoint.

    Raises:
        RunDirError: run.json is not the one that the checkpoint was made under.
        BrokenCheckpointError: The checkpoint's tensors are not those of the run's model, or it holds no state of the
            run's curriculum.
    """
    then, now = checkpoint.state["config"], learner.config.to_json()
    for name, value in now.items():
        if then.get(name) != value:
            changed = f"{name} was {then.get(name)!r} and is {value!r}"
            raise RunDirError(f"{path}: run.json was changed since the checkpoint: {changed}")
    try:
        learner.load_tensors(checkpoint.tensors)
    except (RuntimeError, ValueError, KeyError) as problem:
        reason = " ".join(str(problem).split())
        raise BrokenCheckpointError(f"{path}: the checkpoint is of another model: {reason}") from problem
    try:
        learner.curriculum.load_state(checkpoint.state.get("curriculum"))
    except ValueError as problem:
        raise BrokenCheckpointError(f"{path}: the checkpoint is of another curriculum: {problem}") from problem
