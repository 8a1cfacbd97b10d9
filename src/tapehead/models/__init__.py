"""Recurrent networks behind torch.nn.LSTM's interface."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError, safe_open

from tapehead._arguments import check_choice, check_device
from tapehead.kernels import dnc_scan, ntm_scan
from tapehead.kernels._backend import Refusal
from tapehead.models._sequence import METADATA_KEY
from tapehead.models.baselines import LSTM, RNN
from tapehead.models.dnc import DNC
from tapehead.models.ntm import NTM

__all__ = ["DNC", "LSTM", "MODELS", "NTM", "RNN", "Model", "load"]

Model: TypeAlias = NTM | DNC | LSTM | RNN
MODELS: dict[str, type[NTM] | type[DNC] | type[LSTM] | type[RNN]] = {"ntm": NTM, "dnc": DNC, "lstm": LSTM, "rnn": RNN}
REFUSALS: dict[str, Mapping[str, Refusal]] = {"ntm": ntm_scan.REFUSALS, "dnc": dnc_scan.REFUSALS}
"""The backends of the models that have several, each with what it refuses."""
BACKENDS = ("auto", *dict.fromkeys(name for refusals in REFUSALS.values() for name in refusals))
"""What can be asked to run a model's steps."""


def load(path: str | Path, *, backend: str = "auto", device: torch.device | str = "cpu") -> Model:
    """Read a model that `save` wrote.

    Args:
        path: The file.
        backend: What shall run the steps of an NTM or a DNC.
        device: Where the model is put.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: The file is no such model, or a damaged one; or there is no such backend or device.
        OSError: The file cannot be read.
    """
    if not isinstance(path, str | Path):
        raise TypeError(f"path: expected a str or a pathlib.Path, not {path!r}")
    check_choice("backend", backend, BACKENDS)
    check_device(device)
    if Path(path).is_dir():
        raise IsADirectoryError(f"path: expected a file saved by tapehead, not the folder {str(path)!r}")
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            described = json.loads((file.metadata() or {})[METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        name, config = described["model"], described["config"]
        check_choice("model", name, MODELS)
        runs_on: dict[str, Any] = {"backend": backend} if name in REFUSALS else {}
        (dtype,) = {tensor.dtype for tensor in tensors.values()}
        model: Model = MODELS[name](**config, **runs_on, device=device, dtype=dtype)
        model.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise ValueError(f"path: expected a model saved by tapehead, not {str(path)!r}: {problem}") from problem
    return model
