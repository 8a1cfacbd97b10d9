"""The runs of a sweep, each with a directory of its own; all that is known of them is in their files.

Beside the files of every run directory there are

log.txt                 | what its processes printed
progress.json           | how far it is; rewritten about once a second by the process that works on it
failed.json             | why it was given up; removed when it is tried again, and when it is done
worker_lock             | held by the process that works on it
worker_lock_holder.json | which process that is, and of which computer; means nothing where the lock is free
"""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from tapehead.experiments.evaluations import Evaluation, missing_evaluations
from tapehead.experiments.grid import Grid
from tapehead.experiments.labels import identify
from tapehead.training.checkpoints import saved_steps
from tapehead.training.checksums import CHECKSUM
from tapehead.training.errors import InUseError, RunDirError
from tapehead.training.restore import finished_result
from tapehead.training.run_dir import (
    CHECKPOINTS,
    CONFIG,
    LOCK,
    explain_errors,
    read_config,
    read_evaluations,
    read_json,
    start_run_dir,
    write_json,
)

LOG, PROGRESS, FAILURE = "log.txt", "progress.json", "failed.json"
WORKER_LOCK, WORKER_HOLDER = "worker_lock", "worker_lock_holder.json"


class Holder(NamedTuple):
    """The process that works on a run, and the name of its computer."""

    pid: int
    host: str


class Job(NamedTuple):
    """One run of a sweep: to be trained, and then evaluated."""

    name: str
    path: Path
    steps: int
    evaluations: tuple[Evaluation, ...]

    def is_done(self) -> bool:
        """Say whether it is trained, and every evaluation is recorded."""
        result = finished_result(self.path)
        if result is None:
            return False
        return not missing_evaluations(self.path, read_config(self.path), result.step, self.evaluations)

    def saved_progress(self) -> tuple[int, bool, int]:
        """Give what would not be lost if its process died now; more is larger."""
        steps = saved_steps(self.path / CHECKPOINTS)
        evaluated = len(read_evaluations(self.path)[0])
        return max(steps, default=0), finished_result(self.path) is not None, evaluated

    def last_progress(self) -> dict[str, Any]:
        """Read what its last process said of itself; empty if there was none."""
        said = read_json(self.path / PROGRESS)
        return said if isinstance(said, dict) and type(said.get("step")) is int else {}

    def last_step(self) -> int:
        """Give the training step that it has reached, as far as is known."""
        result = finished_result(self.path)
        if result is not None:
            return result.step
        return max(int(self.last_progress().get("step", 0)), self.saved_progress()[0])

    def failure(self) -> str | None:
        """Say why it was given up; None if it was not."""
        said = read_json(self.path / FAILURE)
        return str(said["cause"]) if isinstance(said, dict) and "cause" in said else None


def find_jobs(grid: Grid, out: Path) -> list[Job]:
    """Find the directory of each run of a grid; one that has a directory in `out` already keeps it.

    Raises:
        RunDirError: A directory that is needed holds another run.
    """
    found = {path.parent: read_json(path) for path in sorted(out.glob(f"*/{CONFIG}"))}
    configs = {
        path: config for path, config in found.items() if isinstance(config, dict) and config.pop(CHECKSUM, None)
    }
    identities = {path: identify(config) for path, config in configs.items()}
    there = {identity: path for path, identity in identities.items()}
    jobs = []
    for name, config in grid.runs.items():
        identity, path = identify(config.to_json()), out / name
        if identities.get(path) != identity:
            path = there.get(identity, path)
        if path not in identities and (path / CONFIG).exists():
            raise RunDirError(f"{path / CONFIG}: expected a run, or nothing, not a damaged file")
        if identities.get(path, identity) != identity:
            raise RunDirError(f"{path}: holds another run than the grid's of that name; choose another --out")
        jobs.append(Job(path.name, path, config.steps, grid.evaluations))
    return jobs


def prepare(grid: Grid, out: Path) -> list[Job]:
    """Make a run directory for each run of a grid that has none yet.

    Raises:
        RunDirError: A directory that is needed holds another run.
        StorageError: They cannot be written.
    """
    jobs = find_jobs(grid, out)
    for job, config in zip(jobs, grid.runs.values(), strict=True):
        if not (job.path / CONFIG).exists():
            with explain_errors(job.path):
                job.path.mkdir(parents=True, exist_ok=True)
            start_run_dir(job.path, config)
    return jobs


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Keep other processes from working on a run; the lock goes with the process, however that ends.

    Raises:
        InUseError: Another process works on it.
        StorageError: The directory cannot be written to.
    """
    held = FileLock(path / WORKER_LOCK, blocking=False)
    try:
        held.acquire()
    except Timeout:
        raise InUseError(f"{path}: another process works on it") from None
    try:
        write_json(path / WORKER_HOLDER, Holder(os.getpid(), platform.node())._asdict())
        yield
    finally:
        with suppress(OSError):
            (path / WORKER_HOLDER).unlink()
        held.release()


def read_holder(path: Path) -> Holder | None:
    """Read which process holds a run; None if that is not known. It says nothing of a run that is not held."""
    said = read_json(path / WORKER_HOLDER)
    whole = isinstance(said, dict) and said.keys() == set(Holder._fields) and type(said["pid"]) is int
    return Holder(**said) if whole else None


def is_held(path: Path, name: str = WORKER_LOCK) -> bool:
    """Say whether a process works on a run (WORKER_LOCK), or trains it (LOCK)."""
    if not (path / name).exists():
        return False
    lock = FileLock(path / name, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False


def is_in_use(path: Path) -> bool:
    """Say whether any process works on a run or trains it."""
    return is_held(path) or is_held(path, LOCK)


def write_progress(path: Path, **said: Any) -> None:
    """Say how far a run is; nothing is lost with it, so the disk is not waited for."""
    part = path / f".{PROGRESS}.{os.getpid()}.part"
    with explain_errors(path):
        part.write_text(json.dumps(said))
        part.replace(path / PROGRESS)


def write_failure(path: Path, cause: str, attempts: int) -> None:
    """Say why a run was given up."""
    write_json(path / FAILURE, {"cause": cause, "attempts": attempts})


def clear_failure(path: Path) -> None:
    """Forget why a run was given up, since it is tried again or done."""
    with explain_errors(path):
        (path / FAILURE).unlink(missing_ok=True)
