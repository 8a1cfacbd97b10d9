"""A recurrence over a whole sequence as one call, with one signature and several backends."""

from collections.abc import Mapping
from typing import Any

import torch

from tapehead._arguments import check_device, check_dtype
from tapehead.kernels import dnc_scan, ntm_scan
from tapehead.kernels.backend import Backend, Problem

SCANS: dict[str, Mapping[str, Backend[Any, Any, Any]]] = {"ntm": ntm_scan.BACKENDS, "dnc": dnc_scan.BACKENDS}
"""The backends of every model that has several, fastest first."""


def backends(
    device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> dict[str, dict[str, str | None]]:
    """List what can run each model here, and why what cannot cannot.

    Args:
        device: Where the model would be.
        dtype: What numbers its weights and inputs would be.

    Returns:
        For every model, by name, its backends, fastest first: the reason why one cannot run, None where it can.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: There is no such device, or the dtype is not one of real numbers.
    """
    check_device(device)
    check_dtype(dtype)
    problem: Problem[Any] = Problem(torch.device(device), dtype)
    return {
        model: {name: backend.unsupported_reason(problem) for name, backend in own.items()}
        for model, own in SCANS.items()
    }
