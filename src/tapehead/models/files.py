"""Models in safetensors files: the weights, and in the metadata the arguments that make the model and a checksum."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from tapehead._files import write_atomically

WEIGHTS = "weights.safetensors"
"""The name of the trained model's file in a run directory."""
METADATA_KEY = "tapehead"
"""The only one: of several, safetensors changes the order from call to call, and equal models shall be equal files."""
CHECKSUM_KEY = "sha256"


class SavedModel(NamedTuple):
    """The content of a model's file: its name in `MODELS`, its constructor's arguments, and its tensors by name."""

    name: str
    config: dict[str, Any]
    tensors: dict[str, Tensor]


def check_path(path: object) -> Path:
    """Raise unless this can be the path of a file.

    Raises:
        TypeError: It is neither a str nor a Path.
        ValueError: It is empty, or holds a NUL character.
    """
    if not isinstance(path, str | Path):
        raise TypeError(f"path: expected a str or a pathlib.Path, not {path!r}")
    if str(path) == "":
        raise ValueError("path: expected the path of a file, not ''")
    if "\0" in str(path):
        raise ValueError(f"path: expected a path without NUL characters, not {str(path)!r}")
    return Path(path)


def check_is_file(path: Path) -> None:
    """Raise if a path is not that of a file; the message names the model in a folder, if it is that of a run.

    Raises:
        IsADirectoryError: It is a folder.
        OSError: It is a pipe or a device, of which reading might never end.
    """
    if path.is_dir():
        model = path / WEIGHTS
        hint = f"; its model is read by tapehead.load({str(model)!r})" if model.is_file() else ""
        raise IsADirectoryError(f"path: expected a file saved by tapehead, not the folder {str(path)!r}{hint}")
    if path.exists() and not path.is_file():
        raise OSError(f"path: expected a file saved by tapehead, not {str(path)!r}, which is a pipe or a device")


def find_changed(model: nn.Module, new_model: nn.Module) -> str | None:
    """Describe a tensor that differs in shape, sharing or dtype from a new model's; None if there is none."""
    tensors = model.state_dict()
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    new_shapes = {name: tensor.shape for name, tensor in new_model.state_dict().items()}
    for name in (*shapes, *new_shapes):
        if shapes.get(name) != new_shapes.get(name):
            return f"{name}: expected the parameters that {type(model).__name__} is made with, not a changed submodule"
    names: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        first = names.setdefault(id(parameter), name)
        if first != name:
            return f"{name}: expected a parameter of its own, not the same one as {first}"
    dtypes = sorted({str(tensor.dtype) for tensor in tensors.values()})
    return f"dtype: expected the same for all parameters, not {' and '.join(dtypes)}" if len(dtypes) > 1 else None


def write_model(path: Path, saved: SavedModel) -> None:
    """Write a model to a file; a crash leaves the old file or the new one, never half of one."""
    tensors = _own_memory(saved.tensors)
    described = _describe({"model": saved.name, "config": saved.config}, tensors)
    write_atomically(path, save(tensors, {METADATA_KEY: described}))


def read_model(path: Path) -> SavedModel:
    """Read a model from a file, onto the CPU.

    Raises:
        ValueError: It is no such file, or a damaged one.
        OSError: The file cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as problem:
        reason = "it is no safetensors file, or a damaged one" if path.stat().st_size else "it is empty"
        raise ValueError(f"path: expected a model saved by tapehead, not {str(path)!r}: {reason}") from problem
    described = metadata.get(METADATA_KEY)
    if described is None:
        raise ValueError(
            f"path: expected a model saved by tapehead, not {str(path)!r}: a safetensors file whose metadata does "
            "not say which model of tapehead it holds"
        )
    try:
        content = json.loads(described)
        content.pop(CHECKSUM_KEY, None)
        saved = SavedModel(content["model"], content["config"], tensors)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError(
            f"path: expected a model saved by tapehead, not {str(path)!r}: its metadata is damaged: {described:.100}"
        ) from problem
    if described != _describe(content, tensors):
        raise ValueError(
            f"path: expected a model saved by tapehead, not {str(path)!r}: it is damaged: its SHA-256 is not that of "
            "what was written"
        )
    return saved


def _describe(content: dict[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """Write down a model's name and config, with the SHA-256 of these and of its tensors with their names and types."""
    text = json.dumps(content, sort_keys=True)
    digest = hashlib.sha256(text.encode() + b"\0" + save(dict(tensors))).hexdigest()
    return json.dumps({**content, CHECKSUM_KEY: digest}, sort_keys=True)


def _own_memory(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors to the CPU, each into memory of its own, as the file format requires (torch.nn.LSTM's share it)."""
    empty = {
        name: torch.empty_like(tensor, device="cpu", memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return {name: empty[name].copy_(tensor.detach()) for name, tensor in tensors.items()}
