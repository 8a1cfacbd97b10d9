"""`tapehead.load` of a file that may be anything, or of a model with any description and the checksum of it."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save

import tapehead
from tapehead.models import Model
from tapehead.models import files as model_files
from tests.fuzz.edits import UNCHANGED, WHOLE, edited
from tests.fuzz.silent import SilentLoadError
from tests.small_models import made

KINDS = ["ntm with an lstm", "dnc with every option", "lstm"]


def content(model: Model) -> tuple[object, ...]:
    """Give all that a saved model is."""
    tensors = {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}
    return type(model).__name__, json.dumps(model.config, sort_keys=True), tensors


def prepare(folder: Path) -> tuple[list[bytes], Callable[[bytes], None]]:
    """Save a small model of each kind, and make the function that tries to load an input.

    An input's first byte says of which model, and whether the rest is an edit of its file, or one of its description
    that the checksum is then made for.
    """
    models = [made(kind, dtype=torch.float32) for kind in KINDS]
    path, files, descriptions = folder / "model.safetensors", [], []
    for model in models:
        model.save(path)
        files.append(path.read_bytes())
        descriptions.append(json.dumps({"model": type(model).__name__.lower(), "config": model.config}).encode())
    saved = [content(model) for model in models]
    tensors = [dict(model.state_dict()) for model in models]

    def take(data: bytes) -> None:
        described, number = divmod((data[0] if data else 0) % (2 * len(KINDS)), len(KINDS))
        if described:
            path.write_bytes(seal(edited(descriptions[number], data[1:]), tensors[number]))
        else:
            path.write_bytes(edited(files[number], data[1:]))
        try:
            loaded = tapehead.load(path)
        except ValueError:
            return
        if not described and content(loaded) not in saved:
            raise SilentLoadError(type(loaded).__name__, loaded.config)

    wholes = [*files, *descriptions]
    return [bytes([n]) + edit for n, whole in enumerate(wholes) for edit in (UNCHANGED, WHOLE + whole)], take


def seal(described: bytes, tensors: dict[str, object]) -> bytes:
    """Write a file as `save` does, with any description; one that is no JSON object has no checksum."""
    try:
        text = model_files._describe(json.loads(described), tensors)
    except (ValueError, TypeError, RecursionError):
        text = described.decode(errors="replace")
    return save(tensors, {model_files.METADATA_KEY: text})
