"""What earlier training left behind: a checkpoint to go on from, or a result."""

import json
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

from tapehead._files import write_atomically
from tapehead.models.files import WEIGHTS
from tapehead.training.checkpoints import Checkpoint, last_checkpoint
from tapehead.training.checksums import CHECKSUM, open_sealed, read_bytes, seal, sha256
from tapehead.training.config import RunConfig
from tapehead.training.errors import DamagedFileError, RunDirError
from tapehead.training.metrics_log import read_metrics
from tapehead.training.run_dir import (
    CHECKPOINTS,
    CONFIG,
    METRICS,
    RESULT,
    check_unchanged,
    explain_errors,
    read_json,
)
from tapehead.training.step import Learner
from tapehead.training.train_state import Result, TrainState

DATA = "data"
"""Its field for the digest of a task's data, where they depend on a file."""
FILES = "files"
"""The field of result.json with the checksums of the files that a finished run consists of."""


def write_result(path: Path, result: Result, metrics: str, data_digest: str | None) -> None:
    """Write how a run ended, with checksums of its configuration, metrics and weights; this marks it as finished.

    Args:
        path: The run directory, where all these are written already.
        result: How the run ended.
        metrics: The SHA-256 of the metrics.
        data_digest: That of the task.

    Raises:
        StorageError: The directory cannot be written to.
    """
    weights = sha256(read_bytes(path / WEIGHTS))
    files = {CONFIG: _config_checksum(path), METRICS: metrics, WEIGHTS: weights}
    if data_digest is not None:
        files[DATA] = data_digest
    sealed = seal({**result._asdict(), FILES: files})
    with explain_errors(path, len(sealed)):
        write_atomically(path / RESULT, sealed)


def check_result(path: Path) -> tuple[Result | None, dict[str, str]]:
    """Read how a run ended, and check all files that a finished run consists of.

    Args:
        path: The run directory.

    Returns:
        The result, None if the run has not finished or its result is damaged; and for each damaged file a sentence.
    """
    if not (path / RESULT).exists():
        return None, {}
    try:
        content = open_sealed(path / RESULT)
        files = content.pop(FILES)
        result = Result(**content)
    except DamagedFileError as problem:
        return None, {RESULT: str(problem)}
    except (KeyError, TypeError):
        return None, {RESULT: f"{path / RESULT}: expected the fields of a Result and {FILES!r}, not others"}
    found = {CONFIG: _config_checksum(path), **{name: _digest(path / name) for name in (METRICS, WEIGHTS)}}
    damaged = [name for name, digest in found.items() if files.get(name) != digest]
    return result, {name: f"{path / name}: not what it was when the run finished" for name in damaged}


def check_can_extend(path: Path, config: RunConfig, state: TrainState, *, can_continue: bool) -> None:
    """Raise if a run cannot go on beyond its end.

    Args:
        path: The run directory.
        config: The longer configuration.
        state: Where the run stands.
        can_continue: Whether it has a checkpoint, or has not ended and can begin.

    Raises:
        RunDirError: It stopped because the task was solved, or has no checkpoint any more.
    """
    instead = f"`tapehead train {config.task.name} --from {quote(str(path))}` begins another with its weights"
    if config.stop_when_solved and state.solved_at_step is not None:
        raise RunDirError(f"{path}: the run stops when the task is solved, at step {state.solved_at_step}; {instead}")
    if not can_continue:
        raise RunDirError(f"{path}: expected a checkpoint to go on from, and there is none; {instead}")


def check_data(path: Path, learner: Learner, recorded: str | None) -> None:
    """Raise if the data of a run's task are not those that it was trained on.

    Raises:
        RunDirError: They are not.
    """
    if recorded != learner.task.data_digest:
        raise RunDirError(f"{path}: the data that {learner.config.task.name} reads were changed after the run began")


def recorded_data(path: Path) -> str | None:
    """Read which data a finished run was trained on; None if options and seed say so."""
    files = open_sealed(path / RESULT)[FILES]
    return str(files[DATA]) if DATA in files else None


def finished_result(path: Path) -> Result | None:
    """Read how a run ended; None if it has not, or if a file of the finished run is damaged."""
    result, damaged = check_result(path)
    return None if damaged else result


def _config_checksum(path: Path) -> str | None:
    """Return the checksum that run.json holds, which `read_config` compares with the rest of it."""
    described = read_json(path / CONFIG)
    return described.get(CHECKSUM) if isinstance(described, dict) else None


def _digest(file: Path) -> str | None:
    return sha256(file.read_bytes()) if file.exists() else None


def read_curve(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Read the metrics of a run as far as its result or its last checkpoint has their checksum.

    Args:
        path: The run directory.

    Returns:
        The rows, and a sentence for each problem.
    """
    if finished_result(path) is not None:
        metrics = (path / METRICS).read_bytes()
        return [json.loads(line) for line in metrics.splitlines()], []
    try:
        checkpoint, problems = last_checkpoint(path / CHECKPOINTS, partial(read_metrics, path))
        metrics = b"" if checkpoint is None else read_metrics(path, checkpoint)
    except DamagedFileError as problem:
        return [], [f"{problem}; the learning curve is left out"]
    return [json.loads(line) for line in metrics.splitlines()], [str(problem) for problem in problems]


def recorded_threads(path: Path) -> int | None:
    """Read on how many threads the last checkpoint of a run was made; None where there is none."""
    checkpoint, _ = last_checkpoint(path / CHECKPOINTS, partial(read_metrics, path))
    return None if checkpoint is None else int(checkpoint.state["threads"])


def restore_last(path: Path, learner: Learner) -> tuple[TrainState, Checkpoint | None, list[DamagedFileError]]:
    """Put a learner into the state of the last undamaged checkpoint of a run, if there is one.

    Returns:
        Where the run stands, the checkpoint, and what is wrong with later ones.

    Raises:
        RunDirError, DamagedFileError: As for `restore`; or all checkpoints are damaged.
    """
    checkpoint, problems = last_checkpoint(path / CHECKPOINTS, partial(read_metrics, path))
    if checkpoint is None and learner.config.initial_weights is not None:
        raise RunDirError(
            f"{path}: expected a checkpoint, the first of which holds the weights that the run begins with"
        )
    if checkpoint is None:
        return TrainState(), None, problems
    restore(learner, checkpoint, path)
    return TrainState(**checkpoint.state["train_state"]), checkpoint, problems


def restore(learner: Learner, checkpoint: Checkpoint, path: Path) -> None:
    """Put a learner into the state of a checkpoint.

    Raises:
        RunDirError: run.json is not the one that the checkpoint was made under.
        DamagedFileError: The checkpoint's tensors are not those of the run's model, or it holds no state of the
            run's curriculum.
    """
    check_unchanged(path, checkpoint, learner.config)
    check_data(path, learner, checkpoint.state.get("data_digest"))
    try:
        learner.load_tensors(checkpoint.tensors)
    except (RuntimeError, ValueError, KeyError) as problem:
        reason = " ".join(str(problem).split())
        raise DamagedFileError(f"{path}: the checkpoint is of another model: {reason}") from problem
    try:
        learner.curriculum.load_state(checkpoint.state.get("curriculum"))
    except ValueError as problem:
        raise DamagedFileError(f"{path}: the checkpoint is of another curriculum: {problem}") from problem
