"""Checkpoints: written so that a crash leaves a whole one, read so that a damaged one is never taken for whole.

A checkpoint is a safetensors file and, written after it, a manifest: JSON with the SHA-256 of that file, of the metrics
written so far, and of itself.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load, save
from torch import Tensor

from tapehead._files import write_atomically
from tapehead.training.checksums import open_sealed, read_bytes, seal, sha256
from tapehead.training.errors import DamagedFileError

KEEP = 2
"""Number of checkpoints that stay: the last, and the one before in case the last is damaged."""


class Checkpoint(NamedTuple):
    """A point of a run: all that it needs to go on as if it had never stopped."""

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]  # JSON


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, then remove all but the last KEEP.

    Args:
        folder: An existing folder of checkpoints.
        checkpoint: What to write; one of the same step is replaced.

    Raises:
        OSError: The folder cannot be written to; what was there is still good.
    """
    tensors = save(checkpoint.tensors)
    tensor_file = _tensor_file(folder, checkpoint.step)
    write_atomically(tensor_file, tensors)
    manifest = {"step": checkpoint.step, "state": checkpoint.state, "tensors_sha256": sha256(tensors)}
    write_atomically(_manifest_file(folder, checkpoint.step), seal(manifest))
    for old in saved_steps(folder)[:-KEEP]:
        remove_checkpoint(folder, old)


def last_checkpoint(
    folder: Path, check: Callable[[Checkpoint], object] = lambda _: None
) -> tuple[Checkpoint | None, list[DamagedFileError]]:
    """Read the last checkpoint that is whole.

    Args:
        folder: A folder of checkpoints.
        check: Raises a DamagedFileError if a checkpoint cannot be used although its own files are whole.

    Returns:
        The checkpoint, None where there is none; and what is wrong with each later one.

    Raises:
        DamagedFileError: There are checkpoints, but none is whole.
    """
    problems: list[DamagedFileError] = []
    for step in reversed(saved_steps(folder)):
        try:
            checkpoint = read_checkpoint(folder, step)
            check(checkpoint)
        except DamagedFileError as problem:
            problems.append(problem)
        else:
            return checkpoint, problems
    if problems:
        raise DamagedFileError(
            f"{folder}: no checkpoint can be used; the last: {problems[0]}; restore it from a copy, or train again"
        )
    return None, []


def read_checkpoint(folder: Path, step: int) -> Checkpoint:
    """Read one checkpoint.

    Raises:
        DamagedFileError: It is not exactly what was written.
    """
    manifest_file, tensor_file = _manifest_file(folder, step), _tensor_file(folder, step)
    manifest, tensors = open_sealed(manifest_file), read_bytes(tensor_file)
    if manifest["tensors_sha256"] != sha256(tensors):
        raise DamagedFileError(f"{tensor_file}: not what was written: its checksum does not match")
    if manifest["step"] != step:
        raise DamagedFileError(f"{manifest_file}: not what was written: it is of step {manifest['step']}")
    return Checkpoint(step, load(tensors), manifest["state"])


def remove_checkpoint(folder: Path, step: int) -> None:
    """Remove a checkpoint, the manifest first: tensors without one are no checkpoint."""
    _manifest_file(folder, step).unlink(missing_ok=True)
    _tensor_file(folder, step).unlink(missing_ok=True)


def remove_later(folder: Path, step: int) -> None:
    """Remove every checkpoint after a step, and half-written files of a crash."""
    for later in saved_steps(folder):
        if later > step:
            remove_checkpoint(folder, later)
    saved = {_tensor_file(folder, earlier) for earlier in saved_steps(folder)}
    for leftover in {*folder.glob(".*.part"), *folder.glob("*.safetensors")} - saved:
        leftover.unlink()


def saved_steps(folder: Path) -> list[int]:
    """List the steps of which there are checkpoints, in order; whether these are whole is not looked at."""
    return sorted(int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal())


def _manifest_file(folder: Path, step: int) -> Path:
    return folder / f"{step:08}.json"


def _tensor_file(folder: Path, step: int) -> Path:
    return folder / f"{step:08}.safetensors"
