"""What a run ran on: the part that decides its bits, and the rest that is good to know."""

import os
import platform
from typing import Any

import numpy as np
import torch

from tapehead import __version__
from tapehead.kernels import _native
from tapehead.models import Model


def fingerprint(model: Model) -> dict[str, Any]:
    """Say all that may decide the last bit of a result beside the run's description.

    An NTM of the papers' sizes was found to learn the same bits on one thread and on two; torch's own LSTM and RNN not.
    """
    return {
        "tapehead": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "architecture": platform.machine(),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "backend": model.backend_in_use,
        "kernel_instruction_set": _native.instruction_set(),
        "threads": torch.get_num_threads(),
    }


def surroundings() -> dict[str, Any]:
    """Say what else may matter: for the speed, and for finding a fault."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
    }
