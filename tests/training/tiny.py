"""Runs that take a tenth of a second, and what they left behind."""

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # which torch puts off until the first optimiser: once here, not in every forked process

from tapehead.training import loop
from tapehead.training.folder import METRICS, WEIGHTS
from tapehead.training.recipes import describe
from tapehead.training.run import Run
from tapehead.training.standing import Progress, Result

TINY: dict[str, Any] = {
    "hidden_size": 6,
    "batch_size": 4,
    "updates": 12,
    "warmup_updates": 3,
    "evaluate_every": 5,
    "evaluation_sequences": 8,
}
TINY_NTM = {"memory_slots": 5, "memory_width": 3}
TINY_TASKS: dict[str, dict[str, Any]] = {
    "copy": {"max_length": 3},
    "repeat_copy": {"max_length": 3, "max_repeats": 2},
    "associative_recall": {"item_length": 2, "max_items": 3},
    "ngrams": {"context": 2, "min_steps": 6, "max_steps": 8},
    "priority_sort": {"min_items": 3, "max_items": 5},
}


def tiny_run(model: str = "ntm", *, task: str = "copy", recipe: str = "tapehead", seed: int = 1, **changes: Any) -> Run:
    """A run of a few updates of a model of a few units on a few steps."""
    small = TINY | TINY_TASKS.get(task, {}) | (TINY_NTM if model == "ntm" else {"num_layers": 2})
    return describe(task=task, model=model, seed=seed, recipe=recipe, **(small | changes))


def unheard(_: Progress) -> None:
    """Listen to nothing."""


def never() -> None:
    """Never stop."""


def unwarned(message: str) -> None:
    """Expect no warning."""
    raise AssertionError(message)


def train(run: Run, path: Path, *, checkpoint_every: int = 4, stop: loop.Stop = never) -> Result:
    """Do a run with a checkpoint every few updates."""
    return loop.train(run, path, listen=unheard, stop=stop, checkpoint_every=checkpoint_every)


def resume(path: Path, *, checkpoint_every: int = 4, warn: loop.Warn = unwarned, stop: loop.Stop = never) -> Result:
    """Go on with a run, and expect no warning unless told otherwise."""
    return loop.resume(path, listen=unheard, stop=stop, warn=warn, checkpoint_every=checkpoint_every)


def train_or_resume(run: Run, path: Path, checkpoint_every: int = 4) -> Result:
    """Go on with a run if it was begun, begin it if not."""
    if (path / "run.json").exists():
        return resume(path, checkpoint_every=checkpoint_every)
    return train(run, path, checkpoint_every=checkpoint_every)


def stop_after(update: int) -> loop.Stop:
    """Stop as if SIGTERM came during the update of this number, counted from where the training begins."""
    asked = iter(range(1, 1_000_000))
    return lambda: signal.SIGTERM if next(asked) == update else None


def digests(path: Path) -> tuple[str, str]:
    """The SHA-256 of the final weights and of the metrics."""
    weights, metrics = ((path / name).read_bytes() for name in (WEIGHTS, METRICS))
    return hashlib.sha256(weights).hexdigest(), hashlib.sha256(metrics).hexdigest()


def undisturbed(run: Run, path: Path) -> tuple[str, str]:
    """Do a run in one go, and give its digests."""
    train(run, path)
    return digests(path)


def train_in_process(run: Run, path: Path) -> None:
    """What a process of its own does: begin or go on, on one thread, as the machine is shared."""
    torch.set_num_threads(1)
    train_or_resume(run, path)


def train_and_die(run: Run, path: Path, calls: int, where: tuple[str, ...]) -> None:
    """What a process of its own does to be killed at the given call of these functions of `os`."""
    left = iter(range(calls, -1, -1))

    def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    for name in where:
        setattr(os, name, deadly(getattr(os, name)))
    train_in_process(run, path)
