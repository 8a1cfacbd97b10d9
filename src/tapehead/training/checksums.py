"""Checksums of what a run writes, so that a file that was changed or damaged is found out."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tapehead.training.errors import DamagedFileError

CHECKSUM = "sha256"
"""The field of a JSON object that holds its checksum."""


def sha256(data: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors with their names, types and shapes, in hexadecimal; their order does not matter."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def checksum(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a JSON object."""
    return sha256(json.dumps(content).encode())


def seal(content: dict[str, Any]) -> bytes:
    """Write a JSON object with its own checksum as the last field."""
    return (json.dumps({**content, CHECKSUM: checksum(content)}, indent=2) + "\n").encode()


def open_sealed(path: Path) -> dict[str, Any]:
    """Read a file that `seal` wrote: sealing its content again must give the same bytes.

    Raises:
        DamagedFileError: It is missing, cannot be read, or is not what was written.
    """
    data = read_bytes(path)
    try:
        content: dict[str, Any] = json.loads(data)
        content.pop(CHECKSUM)
        whole = seal(content) == data
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise DamagedFileError(f"{path}: not what was written: its checksum does not match")
    return content


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        DamagedFileError: It is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as problem:
        raise DamagedFileError(f"{path}: cannot be read: {problem.strerror}") from problem
