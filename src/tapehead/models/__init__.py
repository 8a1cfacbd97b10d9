"""Recurrent networks with the interface of torch.nn.LSTM."""

from pathlib import Path
from typing import Any, TypeAlias

import torch

from tapehead.models.baselines import LSTM, RNN
from tapehead.models.dnc import DNC
from tapehead.models.loading import BACKENDS, read_into
from tapehead.models.ntm import NTM
from tapehead.models.sequence_model import SequenceModel

__all__ = ["BACKENDS", "DNC", "LSTM", "MODELS", "NTM", "RNN", "Model", "load"]

Model: TypeAlias = SequenceModel[Any]
"""Any model, whatever its state."""
MODELS: dict[str, type[Model]] = {"ntm": NTM, "dnc": DNC, "lstm": LSTM, "rnn": RNN}
"""The models by the names that the command line and saved files use."""


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
    return read_into(MODELS, path, backend=backend, device=device, check_finite=check_finite)
