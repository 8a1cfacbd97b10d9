"""Recurrent networks behind torch.nn.LSTM's interface."""

import json
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError, safe_open

from tapehead._arguments import check_choice, check_device
from tapehead.kernels.ntm_scan import REFUSALS
from tapehead.models._sequence import METADATA_KEY
from tapehead.models.baselines import LSTM, RNN
from tapehead.models.ntm import NTM

__all__ = ["LSTM", "MODELS", "NTM", "RNN", "Model", "load"]

Model: TypeAlias = NTM | LSTM | RNN
MODELS: dict[str, type[NTM] | type[LSTM] | type[RNN]] = {"ntm": NTM, "lstm": LSTM, "rnn": RNN}


def load(path: str | Path, *, backend: str = "auto", device: torch.device | str = "cpu") -> Model:
    """Read a model that `save` wrote.

    Args:
        path: The file.
        backend: What shall run an NTM's steps.
        device: Where the model is put.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: The file is no such model, or a damaged one; or there is no such backend or device.
        OSError: The file cannot be read.
    """
    if not isinstance(path, str | Path):
        raise TypeError(f"path: expected a str or a pathlib.Path, not {path!r}")
    check_choice("backend", backend, ["auto", *REFUSALS])
    check_device(device)
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            described = json.loads((file.metadata() or {})[METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        name, config = described["model"], described["config"]
        check_choice("model", name, MODELS)
        runs_on: dict[str, Any] = {"backend": backend} if name == "ntm" else {}
        (dtype,) = {tensor.dtype for tensor in tensors.values()}
        model: Model = MODELS[name](**config, **runs_on, device=device, dtype=dtype)
        model.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise ValueError(f"path: expected a model saved by tapehead, not {str(path)!r}: {problem}") from problem
    return model
