"""What earlier training left behind: a checkpoint to go on from, or a result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    changed = describe_change(then, now)
    if changed is not None:
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


def describe_change(then: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Say what is different between two configurations, as JSON holds them; None if nothing is.

    Only the first difference is named, as in `model.memory_slots was 128 and is 64`.
    """
    for name in {**now, **then}:
        was, is_now = then.get(name), now.get(name)
        if isinstance(was, dict) and isinstance(is_now, dict):
            inner = describe_change(was, is_now)
            if inner is not None:
                return f"{name}.{inner}".replace(".options.", ".", 1)
        elif was != is_now:
            return f"{name} was {was!r} and is {is_now!r}"
    return None
