"""A run directory: who may write to it, and its files.

run.json            | the configuration: all that decides the result
environment.json    | what it ran on, an entry each time that changed
metrics.jsonl       | the learning curve, a line per evaluation: the same bytes, however often the run was killed
timings.jsonl       | seconds of training until each evaluation
checkpoints/        | the last two
weights.safetensors | the trained model, for tapehead.load (or one of your own: its tensors); written at the end, like
result.json         | how it ended
evaluations.jsonl   | what `tapehead evaluate` found
plots/              | what `tapehead plot` drew
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

from filelock import FileLock, Timeout
from safetensors.torch import save

from tapehead._files import write_atomically
from tapehead.models import MODELS, Model
from tapehead.training.checkpoints import Checkpoint, write_checkpoint
from tapehead.training.config import RunConfig
from tapehead.training.errors import BrokenCheckpointError, InUseError, RunDirError, StorageError

CONFIG, ENVIRONMENT, METRICS, TIMINGS = "run.json", "environment.json", "metrics.jsonl", "timings.jsonl"
CHECKPOINTS, WEIGHTS, RESULT, EVALUATIONS = "checkpoints", "weights.safetensors", "result.json", "evaluations.jsonl"
LOCK, HOLDER = "lock", "lock_holder.json"

DISK_FULL = {"ENOSPC", "EDQUOT", "EFBIG"}


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Keep other processes from training in a run directory; the lock goes with the process, however that ends.

    Half-written files of the last process are removed.

    Raises:
        InUseError: Another process is training there.
        StorageError: The directory cannot be written to.
    """
    held = FileLock(path / LOCK, blocking=False)
    with explain_errors(path):
        try:
            held.acquire()
        except Timeout:
            holder = read_json(path / HOLDER)
            raise InUseError(f"{path}: in use by process {holder}, which is training there") from None
    try:
        write_json(path / HOLDER, os.getpid())
        with explain_errors(path):
            for name in (CONFIG, ENVIRONMENT, METRICS, TIMINGS, WEIGHTS, RESULT, HOLDER):
                for half_written in path.glob(f".{name}.*.part"):
                    half_written.unlink()
        yield
    finally:
        held.release()


@contextmanager
def explain_errors(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn a system's error into a sentence with the path and, on a full disk, the bytes needed and free."""
    try:
        yield
    except OSError as problem:
        where = problem.filename or path
        if errno.errorcode.get(problem.errno or 0) in DISK_FULL:
            free = shutil.disk_usage(next(folder for folder in (path, *path.parents) if folder.exists())).free
            reason = f"no space: {needed} bytes needed, {free} free ({problem.strerror})"
        else:
            reason = f"cannot be written: {problem.strerror}"
        raise StorageError(f"{where}: {reason}") from problem


def start_run_dir(path: Path, config: RunConfig, environment: dict[str, Any] | None = None) -> None:
    """Make the files of a new run, the configuration last: only a directory that has one holds a run.

    Args:
        path: The run directory.
        config: What is to be trained, and how.
        environment: What it begins on; None: that is not known yet, since `resume` is to begin it.

    Raises:
        RunDirError: There is a run already.
        StorageError: The directory cannot be written to.
    """
    if (path / CONFIG).exists():
        raise RunDirError(
            f"{path}: holds a run already; go on with `tapehead resume {quote(str(path))}`, or choose another --out"
        )
    with explain_errors(path):
        (path / CHECKPOINTS).mkdir(exist_ok=True)
    write_json(path / ENVIRONMENT, [] if environment is None else [environment])
    write_json(path / CONFIG, config.to_json())


def read_config(path: Path) -> RunConfig:
    """Read a run's configuration.

    Raises:
        RunDirError: There is no run here.
        TypeError: A field of run.json is of the wrong type.
        ValueError: run.json is no configuration of a run.
    """
    try:
        text = (path / CONFIG).read_bytes()
    except OSError as problem:
        raise RunDirError(f"{path}: holds no run: {CONFIG}: {problem.strerror}") from None
    return RunConfig.from_json(text, str(path / CONFIG))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines; a missing one is empty, and a line that a crash damaged is left out."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [row for row in map(_parsed, lines) if isinstance(row, dict)]


def append_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Add lines to a file of JSON lines.

    Raises:
        StorageError: It cannot be written to.
    """
    with explain_errors(path.parent), path.open("a+b") as file:
        torn = file.tell() and path.read_bytes()[-1:] != b"\n"  # a crash may have ended in the middle of a line
        file.write(b"\n" * bool(torn) + b"".join((json.dumps(row) + "\n").encode() for row in rows))


def read_json(path: Path) -> Any:
    """Read a file of JSON; None if it is missing or damaged."""
    return _parsed(path.read_bytes()) if path.exists() else None


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def write_json(path: Path, value: Any) -> None:
    """Replace a file of JSON."""
    with explain_errors(path.parent):
        write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


class MetricsLog:
    """The metrics of a run, and their timings: append only, cut back on resume to what the checkpoint has."""

    def __init__(self, path: Path, *, known: dict[str, Any], step: int) -> None:
        """Go on writing.

        Args:
            path: The run directory.
            known: What `mark` gave at the checkpoint; empty for none.
            step: The checkpoint's step; 0 for none.

        Raises:
            BrokenCheckpointError: The metrics are not those of the checkpoint.
            StorageError: The directory cannot be written to.
        """
        self.path = path
        metrics = path / METRICS
        kept = (metrics.read_bytes() if metrics.exists() else b"")[: known.get("bytes", 0)]
        self._digest = hashlib.sha256(kept)
        if known and (len(kept), self._digest.hexdigest()) != (known["bytes"], known["sha256"]):
            raise BrokenCheckpointError(f"{metrics}: not what was written up to step {step}")
        self._bytes = len(kept)
        timings = "".join(
            json.dumps(row) + "\n" for row in read_rows(path / TIMINGS) if row.get("step", step + 1) <= step
        )
        with explain_errors(path):
            write_atomically(metrics, kept)
            write_atomically(path / TIMINGS, timings.encode())

    def write(self, row: dict[str, Any], seconds: float) -> None:
        """Append a row of metrics, and the seconds until then."""
        line = (json.dumps(row) + "\n").encode()
        with explain_errors(self.path, len(line)):
            with (self.path / METRICS).open("ab") as file:
                file.write(line)
            with (self.path / TIMINGS).open("a") as file:
                file.write(json.dumps({"step": row["step"], "seconds": round(seconds, 3)}) + "\n")
        self._digest.update(line)
        self._bytes += len(line)

    def mark(self) -> dict[str, Any]:
        """Force the metrics to disk, and give what a checkpoint keeps of them."""
        with explain_errors(self.path), (self.path / METRICS).open("ab") as file:
            os.fsync(file.fileno())
        return {"bytes": self._bytes, "sha256": self._digest.hexdigest()}


def save_weights(path: Path, model: Model) -> None:
    """Write a trained model into a run directory, for `tapehead.load`; of a model of one's own, its tensors by name.

    Raises:
        StorageError: The directory cannot be written to.
    """
    with explain_errors(path):
        if type(model) in MODELS.values():
            model.save(path / WEIGHTS)
        else:
            write_atomically(path / WEIGHTS, save(model.state_dict()))


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into a run directory.

    Raises:
        StorageError: It cannot be written; the one before is still whole.
    """
    needed = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
    with explain_errors(path, needed):
        write_checkpoint(path / CHECKPOINTS, checkpoint)
