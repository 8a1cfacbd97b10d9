"""Making a model of the file that one was saved in."""

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from tapehead._arguments import check_choice, check_device, check_flag
from tapehead.kernels import SCANS
from tapehead.models.files import check_is_file, check_path, read_model

Made = TypeVar("Made", bound=nn.Module)

BACKENDS = ("auto", *dict.fromkeys(name for backends in SCANS.values() for name in backends))
"""The names that a model with a memory takes as its backend."""


def read_into(
    models: Mapping[str, type[Made]],
    path: str | Path,
    *,
    backend: str,
    device: torch.device | str,
    check_finite: bool,
) -> Made:
    """Read a model that `save` wrote; `tapehead.load` documents the arguments and the errors.

    Args:
        models: What the file may hold, by the names that files have for it.
        path: The file.
        backend: What runs the time steps of an NTM or a DNC.
        device: The device of the model.
        check_finite: Whether weights that are infinite or NaN are an error.
    """
    path = check_path(path)
    check_choice("backend", backend, BACKENDS)
    check_device(device)
    check_flag("check_finite", check_finite)
    check_is_file(path)
    name, config, tensors = read_model(path)
    for parameter, tensor in tensors.items() if check_finite else ():
        if not bool(torch.isfinite(tensor).all()):
            where = f"path: expected a model with finite weights, not {str(path)!r}"
            raise ValueError(f"{where}: {parameter} has infinite or NaN ones; check_finite=False loads it all the same")
    try:
        check_choice("model", name, models)
        _check_layers(config, len(tensors))
        options: dict[str, Any] = {"backend": backend} if "backend" in signature(models[name]).parameters else {}
        (dtype,) = {tensor.dtype for tensor in tensors.values()}
        model = models[name](**config, **options, dtype=dtype)
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise ValueError(f"path: expected a model saved by tapehead, not {str(path)!r}: {problem}") from problem
    return model.to(device)


def _check_layers(config: object, tensors: int) -> None:
    """Raise if a file describes more layers than it has tensors: making them could take hours."""
    layers = config.get("num_layers") if isinstance(config, dict) else None
    if isinstance(layers, int) and layers > tensors:
        raise ValueError(f"num_layers: expected at most its {tensors} tensors, not {layers}")
