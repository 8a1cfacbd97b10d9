"""The training loop of a run, which can be stopped and resumed."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeAlias

import torch

from tapehead.training.checkpoints import Checkpoint, last_checkpoint, remove_later
from tapehead.training.config import RunConfig
from tapehead.training.environment import describe_environment, record_environment
from tapehead.training.errors import DivergedError, EvaluationStoppedError, RunDirError, StoppedError
from tapehead.training.metrics_log import MetricsLog, are_whole, read_metrics
from tapehead.training.restore import check_result, restore, write_result
from tapehead.training.run_dir import (
    CHECKPOINTS,
    CONFIG,
    TIMINGS,
    explain_errors,
    lock,
    read_config,
    save_checkpoint,
    save_weights,
    set_aside,
    start_run_dir,
)
from tapehead.training.signals import ShouldStop
from tapehead.training.step import Learner, StepMetrics
from tapehead.training.train_state import Progress, Result, TrainState
from tapehead.training.trial import state_of

CHECKPOINT_EVERY = 500
"""Training steps between checkpoints unless another number is given."""
PROGRESS_AFTER = 0.1
"""Seconds between two reports of progress, at least."""

OnProgress: TypeAlias = Callable[[Progress], None]
"""Called about every PROGRESS_AFTER seconds, and at every evaluation and checkpoint."""
Warn: TypeAlias = Callable[[str], None]
"""Called with a warning, as one sentence; the run continues."""


def train(
    config: RunConfig,
    path: Path,
    *,
    on_progress: OnProgress,
    should_stop: ShouldStop,
    checkpoint_every: int = CHECKPOINT_EVERY,
    device: torch.device | str = "cpu",
) -> Result:
    """Train a new run, in a run directory of its own.

    Args:
        config: The configuration of the run.
        path: The run directory; created if missing.
        on_progress: Called regularly; see OnProgress.
        should_stop: Called after every training step; see ShouldStop.
        checkpoint_every: Training steps between checkpoints; does not change the result.
        device: Where the model is trained.

    Raises:
        TypeError: What the task or the model returns is of the wrong type.
        ValueError: The model is too large, or what the task or the model returns is not valid.
        TaskError: The task or the curriculum raises an error, or what it returns is not valid.
        RunDirError: The directory holds a run, or is in use.
        StorageError: The directory cannot be written to.
        DivergedError: A loss, a weight, or the gradients of MAX_SKIPPED steps in a row are not finite.
        StoppedError: `should_stop` returned a signal; a checkpoint is saved.
    """
    learner = Learner(config, device)
    with explain_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    with lock(path):
        start_run_dir(path, config, describe_environment(learner.model, 0))
        log = MetricsLog(path, None)
        return _Training(config, path, learner, log, TrainState()).run(on_progress, should_stop, checkpoint_every)


def resume(
    path: Path,
    *,
    on_progress: OnProgress,
    should_stop: ShouldStop,
    warn: Warn,
    checkpoint_every: int = CHECKPOINT_EVERY,
    device: torch.device | str = "cpu",
) -> Result:
    """Resume a run from its last undamaged checkpoint; a finished run is left unchanged unless a file is damaged.

    Args:
        path: The run directory.
        on_progress: Called regularly; see OnProgress.
        should_stop: Called after every training step; see ShouldStop.
        warn: Called with each warning; see Warn.
        checkpoint_every: Training steps between checkpoints; does not change the result.
        device: Where the model is trained; it may differ from the previous one.

    Raises:
        RunDirError: The directory holds no run, it is in use, or its configuration was changed.
        StorageError: The directory cannot be written to.
        DamagedFileError: All checkpoints are damaged.
        TypeError, ValueError, TaskError: As for `train`.
        DivergedError: A loss, a weight, or the gradients of MAX_SKIPPED steps in a row are not finite.
        StoppedError: `should_stop` returned a signal; a checkpoint is saved.
    """
    config = read_config(path)
    result, damaged = check_result(path)
    if result is not None and not damaged:
        return result
    with lock(path):
        learner = Learner(config, device)
        checkpoint, problems = last_checkpoint(path / CHECKPOINTS, partial(read_metrics, path))
        state = TrainState()
        if checkpoint is not None:
            restore(learner, checkpoint, path)
            state = TrainState(**checkpoint.state["train_state"])
        elif CONFIG in damaged:
            raise RunDirError(damaged[CONFIG])
        if not are_whole(path / TIMINGS):
            warn(f"{path / TIMINGS}: damaged, and set aside as {set_aside(path / TIMINGS)}")
        log = MetricsLog(path, checkpoint)
        for problem in (*damaged.values(), *problems):
            warn(f"{problem}; it is made again from {_name_start(state.step)}")
        remove_later(path / CHECKPOINTS, state.step)
        record_environment(path, learner.model, state.step, warn)
        return _Training(config, path, learner, log, state).run(on_progress, should_stop, checkpoint_every)


def _name_start(step: int) -> str:
    return f"the checkpoint of step {step}" if step else "the beginning, since there is no checkpoint"


MAX_SKIPPED = 20
"""A training step whose gradients are not finite is skipped; after this many in a row the run stops."""


class _Training:
    """A run in progress."""

    def __init__(self, config: RunConfig, path: Path, learner: Learner, log: MetricsLog, state: TrainState) -> None:
        self.config, self.path, self.learner, self.log, self.state = config, path, learner, log, state
        self.saved_at: int | None = state.step or None
        self.started = time.perf_counter() - state.seconds

    def run(self, on_progress: OnProgress, should_stop: ShouldStop, checkpoint_every: int) -> Result:
        """Do the remaining training steps, and finish."""
        try:
            if self._is_evaluation_due():  # a signal stopped it, and the run is resumed
                self._evaluate(should_stop)
            while not self._is_done():
                signal = self._train_until(self._next_of(self.config.eval_every, checkpoint_every), should_stop)
                metrics = self._add_metrics()
                if self._is_evaluation_due():
                    self._evaluate(should_stop)
                signal = should_stop() if signal is None else signal
                on_progress(self._progress(metrics))
                if signal is not None and not self._is_done():
                    self._stop(signal)
                if self.state.step % checkpoint_every == 0:
                    self._save()
            return self._finish()
        except EvaluationStoppedError as stopped:
            self._stop(stopped.signal)
        except DivergedError as problem:
            raise DivergedError(f"{problem}; {self._describe_saved()}") from None

    def _next_of(self, *every: int) -> int:
        """Return the next step that is a multiple of one of these numbers; at most the last step of the run."""
        return min(self.config.steps, *(self.state.step // interval * interval + interval for interval in every))

    def _train_until(self, last: int, should_stop: ShouldStop) -> int | None:
        """Train until step `last`, the next report of progress, or a signal, which is returned.

        `should_stop` is not called after the final step here: the caller does so once the metrics are added.
        """
        began = time.perf_counter()
        for step in range(self.state.step + 1, last + 1):
            self.learner.train_step(step)
            if step == last or time.perf_counter() - began > PROGRESS_AFTER:
                break
            signal = should_stop()
            if signal is not None:
                return signal
        return None

    def _add_metrics(self) -> StepMetrics:
        """Add up the metrics of the training steps since the last call."""
        for metrics in self.learner.take_metrics():
            self.state.add(metrics)
            if self.state.skipped_in_a_row == MAX_SKIPPED:
                skipped = f"the gradients of {MAX_SKIPPED} training steps in a row are not finite"
                raise DivergedError(f"step {self.state.step}: {skipped}")
        return metrics

    def _is_evaluation_due(self) -> bool:
        """Return whether the model is to be evaluated before the next training step, and has not been yet."""
        step = self.state.step
        due = step % self.config.eval_every == 0 or step == self.config.steps
        return due and self.state.steps_since_eval > 0

    def _evaluate(self, should_stop: ShouldStop) -> None:
        """Evaluate, log the scores with the mean training metrics since the last evaluation, and reset these.

        Raises:
            EvaluationStoppedError: `should_stop` returned a signal; nothing has changed, so it can be done again.
        """
        state, score = self.state, self.learner.evaluate(self.state.step, should_stop)
        curriculum_score = self.learner.evaluate_for_curriculum(state.step, should_stop)
        if not math.isfinite(score.bits):
            raise DivergedError(f"step {state.step}: the evaluation gives {score.bits} bits")
        sizes = zip(self.learner.task.size_names, self.learner.curriculum.mean_size, strict=True)
        row = {
            "step": state.step,
            "sequences": state.step * self.config.batch_size,
            "learning_rate": self.learner.learning_rate(state.step),
            "loss": state.loss / state.steps_since_eval,
            "bits": state.bits / state.steps_since_eval,
            "errors": state.errors / state.steps_since_eval,
            "max_gradient_norm": state.max_gradient_norm,
            "skipped_steps": state.skipped,
            **{f"mean_{name}": mean for name, mean in sizes},
            "eval_bits": score.bits,
            "eval_errors": score.errors,
            "eval_accuracy": score.accuracy,
            "eval_optimal_bits": score.optimal_bits,
        }
        self.log.write(row, self._seconds())
        if curriculum_score is not None:
            self.learner.curriculum.report_errors(curriculum_score.distance())
        solved = self.learner.is_solved(score)
        if state.step < self.config.steps:  # the result is of the weights that were evaluated last
            self.learner.report_evaluation(score)
        self.state = TrainState(
            step=state.step,
            skipped_in_a_row=state.skipped_in_a_row,
            solved_at_step=state.solved_at_step or (state.step if solved else None),
            eval_errors=score.errors,
            eval_bits=score.bits,
            eval_gap_bits=score.gap_bits,
        )

    def _is_done(self) -> bool:
        solved = self.state.solved_at_step is not None
        ended = self.state.step >= self.config.steps or (solved and self.config.stop_when_solved)
        return ended and not self._is_evaluation_due()

    def _save(self) -> None:
        """Write a checkpoint."""
        if not self.learner.is_finite():
            raise DivergedError(f"step {self.state.step}: a weight is not finite")
        self.state.seconds = self._seconds()
        state = {
            "config": self.config.to_json(),
            "train_state": asdict(self.state),
            "threads": torch.get_num_threads(),
            "curriculum": state_of(self.learner.curriculum),
            "metrics": self.log.flush(),
        }
        save_checkpoint(self.path, Checkpoint(self.state.step, self.learner.tensors(), state))
        self.saved_at = self.state.step

    def _stop(self, signal: int) -> NoReturn:
        self._save()
        raise StoppedError(signal, self.state.step, self.path)

    def _finish(self) -> Result:
        """Write the trained weights, then the result: its file marks the run as finished."""
        if self.saved_at != self.state.step:
            self._save()
        state = self.state
        save_weights(self.path, self.learner.model)
        result = Result(
            step=state.step,
            sequences=state.step * self.config.batch_size,
            solved_at_step=state.solved_at_step,
            errors=state.eval_errors if state.eval_errors is not None else math.nan,
            bits=state.eval_bits if state.eval_bits is not None else math.nan,
            gap_bits=state.eval_gap_bits,
            seconds=round(state.seconds, 3),
        )
        write_result(self.path, result, self.log.flush()["sha256"])
        return result

    def _progress(self, metrics: StepMetrics) -> Progress:
        step = self.state.step
        sequences = step * self.config.batch_size
        return Progress(step, sequences, metrics.loss, metrics.bits, metrics.errors, self.state.eval_errors)

    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    def _describe_saved(self) -> str:
        if self.saved_at is None:
            return "there is no checkpoint yet"
        return f"the last good checkpoint is of step {self.saved_at}"
