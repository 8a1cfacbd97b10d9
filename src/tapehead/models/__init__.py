"""Recurrent networks with the interface of torch.nn.LSTM."""

from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias

import torch

from tapehead._arguments import check_choice, check_device, check_flag
from tapehead.kernels import SCANS
from tapehead.models.baselines import LSTM, RNN
from tapehead.models.dnc import DNC
from tapehead.models.files import check_is_file, check_path, read_model
from tapehead.models.ntm import NTM
from tapehead.models.sequence_model import SequenceModel

__all__ = ["BACKENDS", "DNC", "LSTM", "MODELS", "NTM", "RNN", "Model", "load"]

Model: TypeAlias = SequenceModel[Any]
"""Any model, whatever its state."""
MODELS: dict[str, type[Model]] = {"ntm": NTM, "dnc": DNC, "lstm": LSTM, "rnn": RNN}
"""The models by the names that the command line and saved files use."""
BACKENDS = ("auto", *dict.fromkeys(name for backends in SCANS.values() for name in backends))
"""The names that a model with a memory takes as its backend."""


def load(
    path: str | Path, *, backend: str = "auto", device: torch.device | str = "cpu", check_finite: bool = True
) -> Model:
    """Read a model that `save` wrote.

    Args:
        path: The file.
        backend: What runs the time steps of an NTM or a DNC.
        device: The device of the model.
        check_finite: Whether to refuse a model with weights that are infinite or NaN.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: The file is no such model, or a damaged one, or a weight is not finite; or the path is empty or
            holds a NUL character; or there is no such backend, or no such device here.
        OSError: The file cannot be read.
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
        check_choice("model", name, MODELS)
        _check_layers(config, len(tensors))
        options: dict[str, Any] = {"backend": backend} if "backend" in signature(MODELS[name]).parameters else {}
        (dtype,) = {tensor.dtype for tensor in tensors.values()}
        model: Model = MODELS[name](**config, **options, dtype=dtype)
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise ValueError(f"path: expected a model saved by tapehead, not {str(path)!r}: {problem}") from problem
    return model.to(device)


def _check_layers(config: object, tensors: int) -> None:
    """Raise if a file describes more layers than it has tensors: making them could take hours."""
    layers = config.get("num_layers") if isinstance(config, dict) else None
    if isinstance(layers, int) and layers > tensors:
        raise ValueError(f"num_layers: expected at most its {tensors} tensors, not {layers}")
