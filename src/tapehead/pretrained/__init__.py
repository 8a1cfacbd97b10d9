"""Trained models that come with the package: each is the directory of the run that made it, without its checkpoints."""

from pathlib import Path

import torch

from tapehead._arguments import check_choice
from tapehead.models import Model, load
from tapehead.models.files import WEIGHTS

FOLDER = Path(__file__).parent
NAMES: tuple[str, ...] = tuple(sorted(path.parent.name for path in FOLDER.glob(f"*/{WEIGHTS}")))
"""What there is, as TASK-MODEL."""


def pretrained(name: str, *, backend: str = "auto", device: torch.device | str = "cpu") -> Model:
    """Load a trained model that comes with the package.

    Args:
        name: The task and the model, as `copy-ntm`; the error about an unknown one lists all there are.
        backend: What runs the time steps of an NTM or a DNC.
        device: The device of the model.

    Returns:
        The model; `tapehead evaluate pretrained:NAME` tells how good it is.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: There is no such model, backend or device.
    """
    return load(find_pretrained(name) / WEIGHTS, backend=backend, device=device)


def find_pretrained(name: str) -> Path:
    """Find the run directory of a model that comes with the package, which is only to be read.

    Raises:
        TypeError: The name is no string.
        ValueError: There is no such model.
    """
    check_choice("name", name, NAMES)
    return FOLDER / name
