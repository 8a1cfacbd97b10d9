"""The training loop of a run, which can be stopped and resumed."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import torch

from tapehead.training.checkpoints import Checkpoint, last_checkpoint, remove_later
from tapehead.training.config import RunConfig
from tapehead.training.environment import fingerprint, surroundings
from tapehead.training.errors import DivergedError, StoppedError
from tapehead.training.restore import finished_result, restore
from tapehead.training.run_dir import (
    CHECKPOINTS,
    ENVIRONMENT,
    RESULT,
    MetricsLog,
    explain_errors,
    lock,
    read_config,
    read_json,
    save_checkpoint,
    save_weights,
    start_run_dir,
    write_json,
)
from tapehead.training.step import Learner, StepMetrics
from tapehead.training.train_state import Progress, Result, TrainState

CHECKPOINT_EVERY = 500
"""Training steps between checkpoints unless another number is given."""
PROGRESS_AFTER = 0.1
"""Seconds between two reports of progress, at least."""

OnProgress: TypeAlias = Callable[[Progress], None]
"""Called about every PROGRESS_AFTER seconds, and at every evaluation and checkpoint."""
ShouldStop: TypeAlias = Callable[[], int | None]
"""Called after every training step; returns the number of a signal to save and stop, or None to continue."""
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
        ValueError: The model is too large, or the task's size names or batches are not valid.
        RunDirError: The directory holds a run, or is in use.
        StorageError: The directory cannot be written to.
        DivergedError: A loss, a weight, or the gradients of MAX_SKIPPED steps in a row are not finite.
        StoppedError: `should_stop` returned a signal; a checkpoint is saved.
    """
    learner = Learner(config, device)
    with explain_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    with lock(path):
        start_run_dir(path, config, _describe_environment(learner, 0))
        log = MetricsLog(path, known={}, step=0)
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
    """Resume a run from its last undamaged checkpoint; a finished run is left unchanged.

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
        BrokenCheckpointError: All checkpoints are damaged.
        DivergedError: A loss, a weight, or the gradients of MAX_SKIPPED steps in a row are not finite.
        StoppedError: `should_stop` returned a signal; a checkpoint is saved.
    """
    config = read_config(path)
    finished = finished_result(path)
    if finished is not None:
        return finished
    with lock(path):
        learner = Learner(config, device)
        checkpoint, problems = last_checkpoint(path / CHECKPOINTS)
        state, known = TrainState(), {}
        if checkpoint is not None:
            restore(learner, checkpoint, path)
            state, known = TrainState(**checkpoint.state["train_state"]), checkpoint.state["metrics"]
        for problem in problems:
            warn(f"{problem}; resuming from the checkpoint before it, of step {state.step}")
        log = MetricsLog(path, known=known, step=state.step)
        remove_later(path / CHECKPOINTS, state.step)
        _record_environment(path, learner, state.step, warn)
        return _Training(config, path, learner, log, state).run(on_progress, should_stop, checkpoint_every)


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
        while not self._is_done():
            try:
                signal = self._train_until(self._next_of(self.config.eval_every, checkpoint_every), should_stop)
                metrics = self._add_metrics()
                signal = should_stop() if signal is None else signal
            except DivergedError as problem:
                raise DivergedError(f"{problem}; {self._last_good()}") from None
            on_progress(self._progress(metrics))
            if signal is not None and not self._is_done():
                self._save()
                raise StoppedError(signal, self.state.step, self.path)
            if self.state.step % checkpoint_every == 0:
                self._save()
        return self._finish()

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
        """Add up the metrics of the training steps since the last call, and evaluate if it is time."""
        for metrics in self.learner.take_metrics():
            self.state.add(metrics)
            if self.state.skipped_in_a_row == MAX_SKIPPED:
                skipped = f"the gradients of {MAX_SKIPPED} training steps in a row are not finite"
                raise DivergedError(f"step {self.state.step}: {skipped}")
        if self.state.step % self.config.eval_every == 0 or self.state.step == self.config.steps:
            self._evaluate()
        return metrics

    def _evaluate(self) -> None:
        """Evaluate, log the scores with the mean training metrics since the last evaluation, and reset these."""
        state, score = self.state, self.learner.evaluate(self.state.step)
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
        self.learner.advance_curriculum(state.step)
        solved_at = state.solved_at_step
        if solved_at is None and score.errors < self.config.solved_below:
            solved_at = state.step
        self.state = TrainState(
            step=state.step,
            skipped_in_a_row=state.skipped_in_a_row,
            solved_at_step=solved_at,
            eval_errors=score.errors,
            eval_bits=score.bits,
            eval_gap_bits=score.gap_bits,
        )

    def _is_done(self) -> bool:
        solved = self.state.solved_at_step is not None
        return self.state.step >= self.config.steps or (solved and self.config.stop_when_solved)

    def _save(self) -> None:
        """Write a checkpoint."""
        if not self.learner.is_finite():
            raise DivergedError(f"step {self.state.step}: a weight is not finite; {self._last_good()}")
        self.state.seconds = self._seconds()
        state = {
            "config": self.config.to_json(),
            "train_state": asdict(self.state),
            "curriculum": self.learner.curriculum.state(),
            "metrics": self.log.mark(),
        }
        save_checkpoint(self.path, Checkpoint(self.state.step, self.learner.tensors(), state))
        self.saved_at = self.state.step

    def _finish(self) -> Result:
        """Write the trained weights, then the result: its file marks the run as finished."""
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
        write_json(self.path / RESULT, result._asdict())
        return result

    def _progress(self, metrics: StepMetrics) -> Progress:
        step = self.state.step
        sequences = step * self.config.batch_size
        return Progress(step, sequences, metrics.loss, metrics.bits, metrics.errors, self.state.eval_errors)

    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    def _last_good(self) -> str:
        if self.saved_at is None:
            return "there is no checkpoint yet"
        return f"the last good checkpoint is of step {self.saved_at}"


def _describe_environment(learner: Learner, step: int) -> dict[str, Any]:
    return {"from_step": step, "fingerprint": fingerprint(learner.model), **surroundings()}


def _record_environment(path: Path, learner: Learner, step: int, warn: Warn) -> None:
    """Record the environment if it has changed, and warn if the result may therefore differ in its last bits."""
    current, recorded = _describe_environment(learner, step), read_json(path / ENVIRONMENT)
    if recorded == []:  # a sweep created the directory; training starts now
        write_json(path / ENVIRONMENT, [current])
        return
    if not recorded:
        warn(f"{path / ENVIRONMENT}: missing or damaged, so the environment of the steps before is not known")
        write_json(path / ENVIRONMENT, [current])
        return
    previous = recorded[-1]
    for name, value in current["fingerprint"].items():
        if previous["fingerprint"].get(name) != value:
            was = previous["fingerprint"].get(name)
            warn(f"{name} was {was} and is {value}: the result may differ in its last bits")
    if {**current, "from_step": 0} != {**previous, "from_step": 0}:
        write_json(path / ENVIRONMENT, [*recorded, current])
