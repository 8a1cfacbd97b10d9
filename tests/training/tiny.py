"""Runs that take a tenth of a second, and what they left behind."""

import hashlib
import os
import signal
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # which torch puts off until the first optimizer: once here, not in every forked process

from tapehead.training import loop
from tapehead.training.components import Component, known_options
from tapehead.training.config import RunConfig, run_options
from tapehead.training.recipes import DEFAULTS, configure
from tapehead.training.run_dir import CONFIG, METRICS, WEIGHTS
from tapehead.training.signals import never_stop
from tapehead.training.step import Learner
from tapehead.training.train_state import Progress, Result

TINY: dict[str, Any] = {
    "hidden_size": 6,
    "batch_size": 4,
    "steps": 12,
    "warmup_steps": 3,
    "eval_every": 5,
    "eval_sequences": 8,
}
TINY_NTM = {"memory_slots": 5, "memory_width": 3}
TINY_TASKS: dict[str, dict[str, Any]] = {
    "copy": {"max_length": 3},
    "repeat_copy": {"max_length": 3, "max_repeats": 2},
    "associative_recall": {"item_length": 2, "max_items": 3},
    "ngrams": {"context": 2, "min_length": 6, "max_length": 8},
    "priority_sort": {"min_items": 3, "max_items": 5},
    "reverse": {"alphabet": 3, "max_length": 3},
    "text": {"length": 5},
    "mqar": {"vocabulary": 20, "steps_per_pair": 6, "min_pairs": 1, "max_pairs": 2},
}

TINY_STRINGS = {"max_length": 5}


def tiny_config(
    model: str = "ntm",
    *,
    task: str = "copy",
    recipe: str = "tapehead",
    seed: int = 1,
    optimizer: str | None = None,
    curriculum: str | None = None,
    **changes: Any,
) -> RunConfig:
    """A run of a few steps of a model of a few units on short sequences.

    An option goes to the component that has it; an option that none has goes to the run itself, which refuses it.
    """
    small = TINY | TINY_TASKS.get(task, TINY_STRINGS) | (TINY_NTM if model == "ntm" else {"num_layers": 2})
    named = {"task": task, "model": model, "optimizer": optimizer, "curriculum": curriculum}
    settings: dict[str, Any] = {kind: {} for kind in named}
    owners = {
        option: kind
        for kind, name in named.items()
        for option in known_options(
            kind, _optimizer_of(recipe) if name is None and kind == "optimizer" else name or DEFAULTS[kind]
        )
    }
    for option, value in (small | changes).items():
        if option in owners and option not in run_options():
            settings[owners[option]][option] = value
        else:
            settings[option] = value
    for kind in ("optimizer", "curriculum"):
        if named[kind] is not None:
            settings[kind] = Component(named[kind], settings[kind])
    return configure(task, model, seed=seed, recipe=recipe, changes=settings)


def _optimizer_of(recipe: str) -> str:
    return "rmsprop" if recipe == "graves2014" else DEFAULTS["optimizer"]


def ignore_progress(_: Progress) -> None:
    """Do nothing with it."""


def never() -> None:
    """Never stop."""


def expect_no_warning(message: str) -> None:
    """Expect no warning."""
    raise AssertionError(message)


def train(config: RunConfig, path: Path, *, checkpoint_every: int = 4, should_stop: loop.ShouldStop = never) -> Result:
    """Do a run with a checkpoint every few training steps."""
    return loop.train(
        config, path, on_progress=ignore_progress, should_stop=should_stop, checkpoint_every=checkpoint_every
    )


def resume(
    path: Path,
    *,
    checkpoint_every: int = 4,
    warn: loop.Warn = expect_no_warning,
    should_stop: loop.ShouldStop = never,
) -> Result:
    """Go on with a run, and expect no warning unless told otherwise."""
    return loop.resume(
        path, on_progress=ignore_progress, should_stop=should_stop, warn=warn, checkpoint_every=checkpoint_every
    )


def train_or_resume(
    config: RunConfig, path: Path, *, checkpoint_every: int = 4, should_stop: loop.ShouldStop = never
) -> Result:
    """Go on with a run if it was begun, begin it if not."""
    if (path / CONFIG).exists():
        return resume(path, checkpoint_every=checkpoint_every, should_stop=should_stop)
    return train(config, path, checkpoint_every=checkpoint_every, should_stop=should_stop)


def stop_after(step: int) -> loop.ShouldStop:
    """Stop as if SIGTERM came during the training step of this number, counted from where the training begins."""
    asked = iter(range(1, 1_000_000))
    return lambda: signal.SIGTERM if next(asked) == step else None


def advance_curriculum(learner: Learner, step: int) -> None:
    """Do what the loop does after an evaluation."""
    found = learner.evaluate_for_curriculum(step, never_stop)
    if found is not None:
        learner.curriculum.report_errors(found.distance())


def digests(path: Path) -> tuple[str, str]:
    """The SHA-256 of the final weights and of the metrics."""
    weights, metrics = ((path / name).read_bytes() for name in (WEIGHTS, METRICS))
    return hashlib.sha256(weights).hexdigest(), hashlib.sha256(metrics).hexdigest()


def undisturbed(config: RunConfig, path: Path) -> tuple[str, str]:
    """Do a run in one go, and give its digests."""
    train(config, path)
    return digests(path)


def train_in_process(config: RunConfig, path: Path) -> None:
    """What a process of its own does: begin or go on, on one thread, as the computer is shared."""
    torch.set_num_threads(1)
    train_or_resume(config, path)


def before_calls(where: Iterable[str], happens: Callable[[], None]) -> None:
    """Let something happen before each call of these functions of `os`, from now on in this process."""

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            happens()
            return function(*arguments, **options)

        return call

    for name in where:
        setattr(os, name, watched(getattr(os, name)))


def train_and_die(config: RunConfig, path: Path, calls: int, where: tuple[str, ...]) -> None:
    """What a process of its own does to be killed at the given call of these functions of `os`."""
    left = iter(range(calls, -1, -1))

    def die_at_last() -> None:
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    before_calls(where, die_at_last)
    train_in_process(config, path)


def train_and_count(config: RunConfig, path: Path, where: tuple[str, ...]) -> int:
    """What a process of its own does to count how often it calls these functions of `os`."""
    calls: list[None] = []
    before_calls(where, lambda: calls.append(None))
    train_in_process(config, path)
    return len(calls)


def train_and_tell(config: RunConfig, path: Path, done: Connection) -> None:
    """What a process of its own does to say of each training step that it is done: begin or go on."""
    torch.set_num_threads(1)
    train_or_resume(config, path, should_stop=lambda: done.send_bytes(b"."))
