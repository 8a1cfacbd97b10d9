"""`tapehead.load` of a file that may be anything, or of a model with any description and the checksum of it."""

import json
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import save

import tapehead
from tapehead.models import Model, files
from tests.fuzz.silent import SilentLoadError
from tests.small_models import made

KINDS = ["ntm with an lstm", "dnc with every option", "lstm"]
AS_IT_IS = len(KINDS)
"""An input's first byte says whose tensors the description that follows it is sealed with, or that a file follows."""


def content(model: Model) -> tuple[object, ...]:
    """Give all that a saved model is."""
    tensors = {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}
    return type(model).__name__, json.dumps(model.config, sort_keys=True), tensors


def prepare(folder: Path) -> tuple[list[bytes], Callable[[bytes], None]]:
    """Save a small model of each kind, and make the function that tries to load an input."""
    models = [made(kind, dtype=tapehead.models.torch.float32) for kind in KINDS]
    path, seeds = folder / "model.safetensors", []
    for number, model in enumerate(models):
        model.save(path)
        described = {"model": type(model).__name__.lower(), "config": model.config}
        seeds += [bytes([AS_IT_IS]) + path.read_bytes(), bytes([number]) + json.dumps(described).encode()]
    saved = [content(model) for model in models]
    tensors = [dict(model.state_dict()) for model in models]

    def take(data: bytes) -> None:
        first, rest = data[0] % (len(KINDS) + 1) if data else AS_IT_IS, data[1:]
        path.write_bytes(rest if first == AS_IT_IS else seal(rest, tensors[first]))
        try:
            loaded = tapehead.load(path)
        except ValueError:
            return
        if first == AS_IT_IS and content(loaded) not in saved:
            raise SilentLoadError(type(loaded).__name__, loaded.config)

    return seeds, take


def seal(described: bytes, tensors: dict[str, object]) -> bytes:
    """Write a file as `save` does, with any description; one that is no JSON object has no checksum."""
    try:
        text = files._describe(json.loads(described), tensors)
    except (ValueError, TypeError, RecursionError):
        text = described.decode(errors="replace")
    return save(tensors, {files.METADATA_KEY: text})
