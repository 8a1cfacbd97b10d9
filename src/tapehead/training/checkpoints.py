"""Checkpoints: written so that a crash leaves a whole one, read so that a damaged one is never taken for whole.

A checkpoint is a safetensors file and, written after it, a manifest: JSON with the SHA-256 of that file, of the metrics
written so far, and of itself.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load, save
from torch import Tensor

from tapehead._files import write_atomically
from tapehead.training.errors import BrokenCheckpointError

KEPT = 2
"""Checkpoints that are kept: the last, and the one before in case the last is damaged."""


class Checkpoint(NamedTuple):
    """Where a run stands: all that it needs to go on as if it had never stopped."""

    update: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any]  # JSON


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, then remove all but the last KEPT.

    Args:
        folder: An existing folder of checkpoints.
        checkpoint: What to write; one of the same update is replaced.

    Raises:
        OSError: The folder cannot be written to; what was there is still good.
    """
    tensors = save(checkpoint.tensors)
    tensor_file = _tensor_file(folder, checkpoint.update)
    write_atomically(tensor_file, tensors)
    manifest = {"update": checkpoint.update, "facts": checkpoint.facts, "tensors_sha256": sha256(tensors)}
    write_atomically(_manifest_file(folder, checkpoint.update), _sealed(manifest))
    for old in _updates(folder)[:-KEPT]:
        remove_checkpoint(folder, old)


def last_checkpoint(folder: Path) -> tuple[Checkpoint | None, list[BrokenCheckpointError]]:
    """Read the last checkpoint that is whole.

    Args:
        folder: A folder of checkpoints.

    Returns:
        The checkpoint, None where there is none; and what is wrong with each later one.

    Raises:
        BrokenCheckpointError: There are checkpoints, but none is whole.
    """
    problems: list[BrokenCheckpointError] = []
    for update in reversed(_updates(folder)):
        try:
            return read_checkpoint(folder, update), problems
        except BrokenCheckpointError as problem:
            problems.append(problem)
    if problems:
        raise BrokenCheckpointError(f"{folder}: no checkpoint is whole; the last: {problems[0]}")
    return None, []


def read_checkpoint(folder: Path, update: int) -> Checkpoint:
    """Read one checkpoint.

    Raises:
        BrokenCheckpointError: It is not exactly what was written.
    """
    manifest_file, tensor_file = _manifest_file(folder, update), _tensor_file(folder, update)
    try:
        sealed, tensors = manifest_file.read_bytes(), tensor_file.read_bytes()
    except OSError as problem:
        raise BrokenCheckpointError(f"{problem.filename}: cannot be read: {problem.strerror}") from problem
    manifest = _unsealed(sealed, manifest_file)
    if manifest["tensors_sha256"] != sha256(tensors):
        raise BrokenCheckpointError(f"{tensor_file}: not what was written: its SHA-256 is another")
    if manifest["update"] != update:
        raise BrokenCheckpointError(f"{manifest_file}: not what was written: it is of update {manifest['update']}")
    return Checkpoint(update, load(tensors), manifest["facts"])


def remove_checkpoint(folder: Path, update: int) -> None:
    """Remove a checkpoint, the manifest first: tensors without one are no checkpoint."""
    _manifest_file(folder, update).unlink(missing_ok=True)
    _tensor_file(folder, update).unlink(missing_ok=True)


def remove_later(folder: Path, update: int) -> None:
    """Remove every checkpoint after an update, and what a crash left half-written."""
    for later in _updates(folder):
        if later > update:
            remove_checkpoint(folder, later)
    whole = {_tensor_file(folder, kept) for kept in _updates(folder)}
    for leftover in {*folder.glob(".*.part"), *folder.glob("*.safetensors")} - whole:
        leftover.unlink()


def sha256(data: bytes) -> str:
    """Say the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _sealed(manifest: dict[str, Any]) -> bytes:
    seal = sha256(json.dumps(manifest, sort_keys=True).encode())
    return json.dumps({**manifest, "sha256": seal}, sort_keys=True).encode()


def _unsealed(sealed: bytes, path: Path) -> dict[str, Any]:
    """Read a manifest; that sealing it again gives the same bytes proves that none was changed."""
    try:
        manifest = json.loads(sealed)
        manifest.pop("sha256")
        whole = _sealed(manifest) == sealed
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as problem:
        raise BrokenCheckpointError(f"{path}: not what was written: {problem}") from problem
    if not whole:
        raise BrokenCheckpointError(f"{path}: not what was written: its SHA-256 is another")
    unsealed: dict[str, Any] = manifest
    return unsealed


def _updates(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal())


def _manifest_file(folder: Path, update: int) -> Path:
    return folder / f"{update:08}.json"


def _tensor_file(folder: Path, update: int) -> Path:
    return folder / f"{update:08}.safetensors"
