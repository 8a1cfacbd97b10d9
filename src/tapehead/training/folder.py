"""A run's folder: who may write to it, and its files.

run.json            | the description: all that decides the result
machine.json        | what it ran on, an entry each time that changed
metrics.jsonl       | what was measured, a line an evaluation: the same bytes, however often the run was killed
timings.jsonl       | seconds of training until each evaluation
checkpoints/        | the last two
weights.safetensors | the trained model, for tapehead.load; written at the end, as is
result.json         | how it ended
evaluations.jsonl   | what `tapehead evaluate` found
plots/              | what `tapehead plot` drew
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tapehead._files import write_atomically
from tapehead.training.checkpoints import Checkpoint, write_checkpoint
from tapehead.training.errors import BrokenCheckpointError, FolderError, StorageError
from tapehead.training.run import Run

RUN, MACHINE, METRICS, TIMINGS = "run.json", "machine.json", "metrics.jsonl", "timings.jsonl"
CHECKPOINTS, WEIGHTS, RESULT, EVALUATIONS = "checkpoints", "weights.safetensors", "result.json", "evaluations.jsonl"
LOCK = "lock"

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let nobody else train in a folder meanwhile; the lock goes with the process, however that ends.

    What the last holder left half-written is cleared away.

    Raises:
        FolderError: Another process trains there.
        StorageError: The folder cannot be written to.
    """
    with explained(path):
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip()
            raise FolderError(f"{path}: in use by process {holder}, which trains there") from None
        with explained(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            for name in (RUN, MACHINE, METRICS, TIMINGS, WEIGHTS, RESULT):
                for half_written in path.glob(f".{name}.*.part"):
                    half_written.unlink()
        yield
    finally:
        os.close(descriptor)


@contextmanager
def explained(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn what the system refuses into a sentence with the path, and on a full disk the bytes needed and free."""
    try:
        yield
    except OSError as problem:
        where = problem.filename or path
        if problem.errno in FULL:
            free = shutil.disk_usage(next(folder for folder in (path, *path.parents) if folder.exists())).free
            reason = f"no space: {needed} bytes needed, {free} free ({problem.strerror})"
        else:
            reason = f"cannot be written: {problem.strerror}"
        raise StorageError(f"{where}: {reason}") from problem


def start_folder(path: Path, run: Run, machine: dict[str, Any]) -> None:
    """Make the files of a new run, the description last: only a folder that has one holds a run.

    Raises:
        FolderError: There is a run already.
        StorageError: The folder cannot be written to.
    """
    if (path / RUN).exists():
        raise FolderError(f"{path}: holds a run already; go on with `tapehead resume {path}`, or choose another --out")
    with explained(path):
        (path / CHECKPOINTS).mkdir(exist_ok=True)
    write_json(path / MACHINE, [machine])
    write_json(path / RUN, run.to_json())


def read_run(path: Path) -> Run:
    """Read a run's description.

    Raises:
        FolderError: There is no run here.
        TypeError: A field of run.json is of the wrong type.
        ValueError: run.json is no description of a run.
    """
    try:
        text = (path / RUN).read_bytes()
    except OSError as problem:
        raise FolderError(f"{path}: holds no run: {RUN}: {problem.strerror}") from None
    return Run.from_json(text, str(path / RUN))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines; a missing one is empty, and a line that a crash damaged is left out."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [row for row in map(_parsed, lines) if isinstance(row, dict)]


def append_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Add lines to a file of JSON lines.

    Raises:
        StorageError: It cannot be written to.
    """
    with explained(path.parent), path.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


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
    with explained(path.parent):
        write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


class Journal:
    """The metrics of a run, and their timings: append only, cut back on resume to what the checkpoint knows."""

    def __init__(self, path: Path, *, known: dict[str, Any], update: int) -> None:
        """Go on writing.

        Args:
            path: The run's folder.
            known: What `mark` gave at the checkpoint; empty for none.
            update: The checkpoint's update; 0 for none.

        Raises:
            BrokenCheckpointError: The metrics are not those that the checkpoint knows.
            StorageError: The folder cannot be written to.
        """
        self.path = path
        metrics = path / METRICS
        kept = (metrics.read_bytes() if metrics.exists() else b"")[: known.get("bytes", 0)]
        self._digest = hashlib.sha256(kept)
        if known and (len(kept), self._digest.hexdigest()) != (known["bytes"], known["sha256"]):
            raise BrokenCheckpointError(f"{metrics}: not what was written up to update {update}")
        self._bytes = len(kept)
        timings = "".join(json.dumps(row) + "\n" for row in read_rows(path / TIMINGS) if row["update"] <= update)
        with explained(path):
            write_atomically(metrics, kept)
            write_atomically(path / TIMINGS, timings.encode())

    def write(self, row: dict[str, Any], seconds: float) -> None:
        """Append what was measured, and how long it took to get there."""
        line = (json.dumps(row) + "\n").encode()
        with explained(self.path, len(line)):
            with (self.path / METRICS).open("ab") as file:
                file.write(line)
            with (self.path / TIMINGS).open("a") as file:
                file.write(json.dumps({"update": row["update"], "seconds": round(seconds, 3)}) + "\n")
        self._digest.update(line)
        self._bytes += len(line)

    def mark(self) -> dict[str, Any]:
        """Force the metrics to disk, and say what a checkpoint has to know of them."""
        with explained(self.path), (self.path / METRICS).open("ab") as file:
            os.fsync(file.fileno())
        return {"bytes": self._bytes, "sha256": self._digest.hexdigest()}


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into a run's folder.

    Raises:
        StorageError: It cannot be written; the one before is still whole.
    """
    needed = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
    with explained(path, needed):
        write_checkpoint(path / CHECKPOINTS, checkpoint)
