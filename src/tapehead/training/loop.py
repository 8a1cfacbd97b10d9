"""Beginning a run, and resuming one that was stopped."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from tapehead.training.checkpoints import Checkpoint, remove_later
from tapehead.training.checksums import hash_tensors
from tapehead.training.config import RunConfig
from tapehead.training.environment import describe_environment, record_environment
from tapehead.training.errors import NotSharedError, RunDirError
from tapehead.training.metrics_log import MetricsLog, are_whole
from tapehead.training.ranks import ALONE, Ranks
from tapehead.training.restore import check_can_extend, check_result, restore_last
from tapehead.training.run_dir import (
    CHECKPOINTS,
    CONFIG,
    TIMINGS,
    explain_errors,
    lock,
    read_config,
    replace_config,
    set_aside,
    start_run_dir,
)
from tapehead.training.run_writer import RunWriter
from tapehead.training.session import OnProgress, Session
from tapehead.training.signals import ShouldStop
from tapehead.training.step import Learner
from tapehead.training.train_state import Result, TrainState

CHECKPOINT_EVERY = 500
"""Training steps between checkpoints unless another number is given."""

Warn: TypeAlias = Callable[[str], None]
"""Called with a warning, as one sentence; the run continues."""


def train(
    config: RunConfig,
    path: Path,
    *,
    on_progress: OnProgress,
    should_stop: ShouldStop,
    initial: Mapping[str, Tensor] | None = None,
    checkpoint_every: int = CHECKPOINT_EVERY,
    device: torch.device | str = "cpu",
    ranks: Ranks = ALONE,
) -> Result:
    """Train a new run, in a run directory of its own.

    Args:
        config: The configuration of the run.
        path: The run directory; created if missing.
        on_progress: Called regularly; see OnProgress.
        should_stop: Called after every training step; see ShouldStop.
        initial: The weights that training begins with, as the model's `state_dict` gives them; run.json then holds
            their SHA-256. None: those that the seed says.
        checkpoint_every: Training steps between checkpoints; does not change the result.
        device: Where the model is trained.
        ranks: The processes that train it together; all call this.

    Returns:
        How it ended.

    Raises:
        TypeError: What the task or the model returns is of the wrong type.
        ValueError: The initial weights are of another model or not finite; the model is too large, or what the task or
            the model returns is not valid.
        TaskError: The task or the curriculum raises an error, or what it returns is not valid.
        RunDirError: The directory holds a run, or is in use.
        StorageError: The directory cannot be written to.
        DivergedError: A loss, a weight, or the gradients of MAX_SKIPPED steps in a row are not finite.
        StoppedError: `should_stop` returned a signal; a checkpoint is saved.
    """
    config, learner = begin(config, initial, device, ranks)
    should_stop = ranks.agree_on_signals(should_stop)
    if not ranks.is_first:
        ranks.agree_on_step(0)
        follower = Session(config, RunWriter(path, None), learner, TrainState())
        return follower.run(on_progress, should_stop, checkpoint_every)
    with ExitStack() as held:
        with ranks.tell_if_failed():
            with explain_errors(path):
                path.mkdir(parents=True, exist_ok=True)
            held.enter_context(lock(path))

            def start() -> Session:
                return Session(config, RunWriter(path, MetricsLog(path, None)), learner, TrainState())

            save_first = None if initial is None else lambda: start().save()
            start_run_dir(path, config, describe_environment(learner.model, 0, ranks.size), save_first)
            session = start()
        ranks.agree_on_step(0)
        return session.run(on_progress, should_stop, checkpoint_every)


def begin(
    config: RunConfig, initial: Mapping[str, Tensor] | None, device: torch.device | str, ranks: Ranks
) -> tuple[RunConfig, Learner]:
    """Make the learner of a new run, and say in the configuration which weights it begins with.

    Raises:
        ValueError: The weights are of another model, not finite, or not those that the configuration says.
    """
    digest = None if initial is None else hash_tensors(initial)
    if config.initial_weights not in {None, digest}:
        expected = f"expected the weights of which initial_weights={config.initial_weights!r} is the SHA-256"
        raise ValueError(f"initial: {expected}, not {'None' if digest is None else f'those with {digest!r}'}")
    config = replace(config, initial_weights=digest)
    learner = Learner(config, device, ranks)
    if initial is not None:
        try:
            learner.model.load_state_dict(initial)
        except RuntimeError as problem:
            reason = " ".join(str(problem).split())
            raise ValueError(f"initial: expected weights of the model that is trained: {reason}") from problem
        if not all(bool(torch.isfinite(tensor).all()) for tensor in initial.values()):
            raise ValueError("initial: expected finite weights, not these")
    return config, learner


def resume(
    path: Path,
    *,
    on_progress: OnProgress,
    should_stop: ShouldStop,
    warn: Warn,
    steps: int | None = None,
    checkpoint_every: int = CHECKPOINT_EVERY,
    device: torch.device | str = "cpu",
    ranks: Ranks = ALONE,
) -> Result:
    """Resume a run from its last undamaged checkpoint; a finished run is left unchanged unless a file is damaged.

    With `steps` it goes on beyond its end, as `RunConfig.extend` says; run.json records that.

    Args:
        path: The run directory.
        on_progress: Called regularly; see OnProgress.
        should_stop: Called after every training step; see ShouldStop.
        warn: Called with each warning; see Warn.
        steps: How many training steps it shall have in all; None: as many as it has.
        checkpoint_every: Training steps between checkpoints; does not change the result.
        device: Where the model is trained; it may differ from the previous one.
        ranks: The processes that train it together, from a directory that all can read; all call this.

    Returns:
        How it ended.

    Raises:
        RunDirError: The directory holds no run, it is in use, its configuration was changed, or it is another than the
            first process's; or the run cannot go on beyond its end.
        StorageError: The directory cannot be written to.
        DamagedFileError: All checkpoints are damaged.
        TypeError, ValueError, TaskError: As for `train`.
        DivergedError: A loss, a weight, or the gradients of MAX_SKIPPED steps in a row are not finite.
        StoppedError: `should_stop` returned a signal; a checkpoint is saved.
    """
    before = read_config(path)
    config = before if steps is None else before.extend(steps)
    result, damaged = check_result(path)
    if result is not None and config == before and not damaged:
        return result
    learner = Learner(config, device, ranks)
    should_stop = ranks.agree_on_signals(should_stop)
    if not ranks.is_first:
        step = ranks.agree_on_step(0)  # once the first process has read the checkpoint
        state, *_ = restore_last(path, learner)
        if state.step != step:
            raise NotSharedError(f"{path}: expected the checkpoint of step {step}, which the first process has read")
        return Session(config, RunWriter(path, None), learner, state).run(on_progress, should_stop, checkpoint_every)
    with ExitStack() as held:
        with ranks.tell_if_failed():
            held.enter_context(lock(path))
            state, checkpoint, problems = restore_last(path, learner)
            if checkpoint is None and CONFIG in damaged:
                raise RunDirError(damaged[CONFIG])
            if config != before:
                has_ended = result is not None or bool(damaged)
                check_can_extend(path, config, state, can_continue=checkpoint is not None or not has_ended)
                replace_config(path, config)
            if not are_whole(path / TIMINGS):
                warn(f"{path / TIMINGS}: damaged, and set aside as {set_aside(path / TIMINGS)}")
            writer = RunWriter(path, MetricsLog(path, checkpoint))
            for problem in (*damaged.values(), *problems):
                warn(f"{problem}; it is made again from {_name_start(checkpoint)}")
            remove_later(path / CHECKPOINTS, state.step)
            record_environment(path, learner.model, state.step, ranks.size, warn)
        ranks.agree_on_step(state.step)
        return Session(config, writer, learner, state).run(on_progress, should_stop, checkpoint_every)


def _name_start(checkpoint: Checkpoint | None) -> str:
    none = "the beginning, since there is no checkpoint"
    return none if checkpoint is None else f"the checkpoint of step {checkpoint.step}"
