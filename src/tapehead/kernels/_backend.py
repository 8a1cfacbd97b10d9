"""Which implementation runs a recurrence: asked for by name, or chosen here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


class Unsupported(ValueError):
    """A backend was asked for by name and cannot run this problem; the message says why."""


@dataclass(frozen=True)
class Problem:
    """What decides whether a backend can run: where the tensors are, and what numbers they hold."""

    device: torch.device
    dtype: torch.dtype


Refusal = Callable[[Problem], str | None]
"""Says in a sentence why a backend cannot run a problem; None where it can."""


def choose(backend: str, problem: Problem, refusals: Mapping[str, Refusal]) -> str:
    """Name the backend that will run: the one asked for, or with "auto" the first that does not refuse.

    Args:
        backend: "auto" or a key of `refusals`.
        problem: What is to be run.
        refusals: The backends, fastest first, the reference last.

    Raises:
        Unsupported: The backend that was asked for refuses.
    """
    if backend == "auto":
        return next(name for name, refuse in refusals.items() if refuse(problem) is None)
    reason = refusals[backend](problem)
    if reason is not None:
        raise Unsupported(f"backend={backend!r} cannot run this: {reason}")
    return backend
