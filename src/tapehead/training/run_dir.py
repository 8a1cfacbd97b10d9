"""A run directory: who may write to it, and its files.

run.json            | the configuration: all that decides the result
environment.json    | what it ran on, an entry each time that changed
metrics.jsonl       | the learning curve, a line per evaluation: the same bytes, however often the run was killed
timings.jsonl       | seconds of training until each evaluation
checkpoints/        | the last two; their manifests have the checksums of the tensors and of the metrics until then
weights.safetensors | the trained model, for tapehead.load (or one of your own: its tensors); written at the end, like
result.json         | how it ended, with the checksums of run.json, metrics.jsonl and weights.safetensors
evaluations.jsonl   | what `tapehead evaluate` found, each line with its checksum
plots/              | what `tapehead plot` drew

run.json, result.json and the manifests of checkpoints hold a checksum of themselves. environment.json and timings.jsonl
are notes that no result depends on: they have none, and a damaged one is set aside under NAME.damaged.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from shlex import quote
from typing import Any

from filelock import FileLock, Timeout
from safetensors.torch import save

from tapehead._files import write_atomically
from tapehead.models import MODELS, Model
from tapehead.models.files import WEIGHTS
from tapehead.training.checkpoints import Checkpoint, last_checkpoint, remove_later, write_checkpoint
from tapehead.training.checksums import CHECKSUM, checksum, seal
from tapehead.training.config import RunConfig
from tapehead.training.errors import InUseError, RunDirError, StorageError

CONFIG, ENVIRONMENT, METRICS, TIMINGS = "run.json", "environment.json", "metrics.jsonl", "timings.jsonl"
CHECKPOINTS, RESULT, EVALUATIONS = "checkpoints", "result.json", "evaluations.jsonl"
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
            holder = read_json(path / HOLDER)  # written just after the lock is taken, so it may not be there yet
            process = f"process {holder}" if type(holder) is int else "another process"
            raise InUseError(f"{path}: in use by {process}, which is training there") from None
    try:
        write_json(path / HOLDER, os.getpid())
        with explain_errors(path):
            for name in (CONFIG, ENVIRONMENT, METRICS, TIMINGS, WEIGHTS, RESULT, HOLDER):
                for half_written in path.glob(f".{name}.*.part"):
                    half_written.unlink()
        yield
    finally:
        with suppress(OSError):
            (path / HOLDER).unlink()
        held.release()


@contextmanager
def explain_errors(path: Path, needed: int | None = None) -> Iterator[None]:
    """Turn a system's error into a sentence with the path and, on a full disk, the bytes needed (if known) and free."""
    try:
        yield
    except OSError as problem:
        where = problem.filename or path
        if errno.errorcode.get(problem.errno or 0) in DISK_FULL:
            free = shutil.disk_usage(next(folder for folder in (path, *path.parents) if folder.exists())).free
            wanted = "" if needed is None else f"{needed} bytes needed, "
            reason = f"no space: {wanted}{free} bytes free ({problem.strerror})"
        elif isinstance(problem, FileExistsError):
            reason = "expected a directory, or a path that does not exist"
        else:
            reason = f"cannot be written: {problem.strerror}"
        raise StorageError(f"{where}: {reason}") from problem


def start_run_dir(
    path: Path,
    config: RunConfig,
    environment: dict[str, Any] | None = None,
    save_first: Callable[[], object] | None = None,
) -> None:
    """Make the files of a new run, the configuration last: only a directory that has one holds a run.

    Args:
        path: The run directory.
        config: What is to be trained, and how.
        environment: What it begins on; None: that is not known yet, since `resume` is to begin it.
        save_first: Saves what the run begins with, if that is more than its configuration says.

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
        remove_later(path / CHECKPOINTS, -1)  # of a run that crashed before it had a configuration
    write_json(path / ENVIRONMENT, [] if environment is None else [environment])
    if save_first is not None:
        save_first()
    _write(path / CONFIG, seal(config.to_json()))


def replace_config(path: Path, config: RunConfig) -> None:
    """Give a run another configuration, under which it has not finished; its checkpoints have to be good for it.

    Raises:
        StorageError: The directory cannot be written to.
    """
    with explain_errors(path):
        (path / RESULT).unlink(missing_ok=True)  # first: after a crash in between, the run is finished once more
    _write(path / CONFIG, seal(config.to_json()))


def read_config(path: Path) -> RunConfig:
    """Read a run's configuration, which cannot be edited: a run with another one is another run.

    Args:
        path: The run directory.

    Raises:
        RunDirError: There is no run here, or its configuration was changed.
        TypeError: A field of run.json is of the wrong type.
        ValueError: run.json is no configuration of a run.
    """
    try:
        text = (path / CONFIG).read_bytes()
    except OSError as problem:
        raise RunDirError(f"{path}: holds no run: {CONFIG}: {problem.strerror}") from None
    described = _parsed(text)
    written = described.pop(CHECKSUM, None) if isinstance(described, dict) else None
    config = RunConfig.from_json(text if written is None else json.dumps(described).encode(), str(path / CONFIG))
    if written != checksum(config.to_json()):
        checkpoint, _ = last_checkpoint(path / CHECKPOINTS)
        if checkpoint is not None:
            check_unchanged(path, checkpoint, config)
        raise RunDirError(f"{path / CONFIG}: was changed or damaged; `tapehead train` begins a run with other options")
    return config


def check_unchanged(path: Path, checkpoint: Checkpoint, config: RunConfig) -> None:
    """Raise unless a checkpoint was made under this configuration, or under the one before the run was extended.

    The message names the option that differs.

    Raises:
        RunDirError: It was made under another one.
    """
    written = checkpoint.state["config"]
    if any(written == shorter.to_json() and checkpoint.step <= shorter.steps for shorter in config.before_extensions()):
        return
    before, now = _flatten(written), _flatten(config.to_json())
    for name in (*before, *now):
        if before.get(name) != now.get(name):
            changed = f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
            raise RunDirError(f"{path / CONFIG}: was changed after the run began: {changed}")


def _flatten(described: dict[str, Any]) -> dict[str, Any]:
    """List the options of a configuration by dotted names; `model` alone is the model's name."""
    flat = {}
    for name, value in described.items():
        if isinstance(value, dict):
            flat[name] = value["name"]
            flat |= {f"{name}.{option}": chosen for option, chosen in value["options"].items()}
        else:
            flat[name] = value
    return flat


def read_environments(path: Path) -> list[dict[str, Any]] | None:
    """Read what a run ran on, an entry each time that changed; None if the note of it is missing or damaged."""
    entries = read_json(path / ENVIRONMENT)
    whole = isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("fingerprint"), dict) for entry in entries
    )
    return entries if whole else None


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines; a missing one is empty, and a damaged line is left out."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [row for row in map(_parsed, lines) if isinstance(row, dict)]


def append_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Add lines to a file of evaluations, each with its checksum; half a line that a crash left is cut off first.

    Raises:
        StorageError: It cannot be written to.
    """
    lines = b"".join((json.dumps({**row, CHECKSUM: checksum(row)}) + "\n").encode() for row in rows)
    lock_file = path.with_name(f"{path.name}.lock")  # another process may add to the same file
    with explain_errors(path, len(lines)), FileLock(lock_file), path.open("a+b") as file:
        file.seek(0)
        written = file.read()
        file.truncate(written.rfind(b"\n") + 1)
        file.write(lines)


def read_evaluations(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Read what evaluations of a run found.

    Args:
        path: The run directory.

    Returns:
        The rows that are what was written, and a sentence if others had to be left out.
    """
    file = path / EVALUATIONS
    *lines, _ = file.read_bytes().split(b"\n") if file.exists() else [b""]  # the last may be half a line, of a crash
    rows = [row for row in map(_parsed, lines) if isinstance(row, dict) and row.pop(CHECKSUM, None) == checksum(row)]
    damaged = len(lines) - len(rows)
    return rows, [f"{file}: {damaged} of {len(lines)} lines are damaged and left out"] if damaged else []


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
    _write(path, (json.dumps(value, indent=2) + "\n").encode())


def _write(path: Path, data: bytes) -> None:
    with explain_errors(path, len(data)):
        write_atomically(path, data)


def set_aside(path: Path) -> str:
    """Rename a damaged file to NAME.damaged, or NAME.damaged-2 if that is there already, and so on; give that name."""
    names = (f"{path.name}.damaged" + (f"-{number}" if number > 1 else "") for number in count(1))
    name = next(name for name in names if not path.with_name(name).exists())
    with explain_errors(path):
        path.replace(path.with_name(name))
    return name


def save_weights(path: Path, model: Model) -> None:
    """Write a trained model into a run directory, for `tapehead.load`; of a model of one's own, its tensors by name.

    Raises:
        StorageError: The directory cannot be written to.
    """
    with explain_errors(path, sum(tensor.nbytes for tensor in model.state_dict().values())):
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
