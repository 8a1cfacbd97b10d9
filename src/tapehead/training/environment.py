"""What a run ran on: the part that decides its bits, and the rest that is good to know."""

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tapehead import __version__
from tapehead.kernels.cpp import library
from tapehead.models import Model
from tapehead.training.run_dir import ENVIRONMENT, read_environments, set_aside, write_json

PROCESSES = "processes"
"""How many processes train a run together; said where it is more than one."""


def fingerprint(model: Model) -> dict[str, Any]:
    """Give all that may decide the last bit of a result besides the run's configuration.

    An NTM of the papers' sizes was found to learn the same bits on one thread and on two; torch's own LSTM and RNN not.
    """
    device = next(model.parameters()).device
    return {
        "tapehead": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "architecture": platform.machine(),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "device": device_name(device),
        "backend": model.backend_in_use,
        "kernel_instruction_set": library.instruction_set(),
        "threads": torch.get_num_threads(),
    }


def surroundings() -> dict[str, Any]:
    """Give what else may matter: for the speed, and for finding a fault."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": count_cores(),
    }


def describe_environment(model: Model, step: int, processes: int = 1) -> dict[str, Any]:
    """Describe what a run trains on from a step on, as an entry of environment.json."""
    together = {PROCESSES: processes} if processes > 1 else {}
    return {"from_step": step, "fingerprint": fingerprint(model) | together, **surroundings()}


def record_environment(path: Path, model: Model, step: int, processes: int, warn: Callable[[str], None]) -> None:
    """Record the environment if it has changed, and warn if the result may therefore differ in its last bits."""
    current, recorded = describe_environment(model, step, processes), read_environments(path)
    if recorded == []:  # a sweep created the directory; training starts now
        write_json(path / ENVIRONMENT, [current])
        return
    if recorded is None:
        name = set_aside(path / ENVIRONMENT) if (path / ENVIRONMENT).exists() else None
        where = "missing" if name is None else f"damaged, and set aside as {name}"
        warn(f"{path / ENVIRONMENT}: {where}; the environment of the steps before is not known")
        write_json(path / ENVIRONMENT, [current])
        return
    previous = recorded[-1]
    for name, value in ({PROCESSES: 1} | current["fingerprint"]).items():
        was = ({PROCESSES: 1} | previous["fingerprint"]).get(name)
        if was != value:
            warn(f"{name} was {was} and is {value}: the result may differ in its last bits")
    if {**current, "from_step": 0} != {**previous, "from_step": 0}:
        write_json(path / ENVIRONMENT, [*recorded, current])


def count_cores() -> int:
    """Count the cores that this process may use; where the system does not say, all that there are."""
    if platform.system() == "Linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device_name(device: torch.device) -> str:
    """Name the kind of device, as `cpu` or `NVIDIA H100`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def choose_device(wanted: str) -> torch.device:
    """Find the device of a name, as the command line takes it.

    Args:
        wanted: `auto` (cuda where there is one, else cpu), or a name that torch knows, as `cpu` or `cuda:1`.

    Raises:
        ValueError: There is no such device here.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise ValueError(f"device: expected auto, cpu, cuda or cuda:N, not {wanted!r}") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        there = f"CUDA devices available here: {torch.cuda.device_count()}"
        raise ValueError(f"device: expected a device that is available, not {wanted!r}: {there}")
    if device.type not in {"cpu", "cuda"}:
        raise ValueError(f"device: expected auto, cpu, cuda or cuda:N, not {wanted!r}")
    return device
