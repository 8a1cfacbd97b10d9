"""The training loop: steps, evaluations and checkpoints, until a run is done or stopped."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import NoReturn, TypeAlias

import torch

from tapehead.training.config import RunConfig
from tapehead.training.errors import DivergedError, EvaluationStoppedError, StoppedError
from tapehead.training.run_writer import RunWriter
from tapehead.training.signals import ShouldStop
from tapehead.training.step import Learner, StepMetrics
from tapehead.training.train_state import Progress, Result, TrainState
from tapehead.training.trial import state_of

PROGRESS_AFTER = 0.1
"""Seconds between two reports of progress, at least."""

OnProgress: TypeAlias = Callable[[Progress], None]
"""Called about every PROGRESS_AFTER seconds, and at every evaluation and checkpoint."""

MAX_SKIPPED = 20
"""A training step whose gradients are not finite is skipped; after this many in a row the run stops."""


class Session:
    """A run in progress.

    Args:
        config: Its configuration.
        writer: Writes its files.
        learner: The model in training, restored if the run is resumed.
        state: Where the run stands.
    """

    def __init__(self, config: RunConfig, writer: RunWriter, learner: Learner, state: TrainState) -> None:
        self.config, self.writer, self.learner, self.state = config, writer, learner, state
        begins_saved = config.initial_weights is not None  # which a checkpoint of step 0 holds
        self.saved_at = state.step if state.step or begins_saved else None
        self.started = time.perf_counter() - state.seconds

    def run(self, on_progress: OnProgress, should_stop: ShouldStop, checkpoint_every: int) -> Result:
        """Do the remaining training steps, and finish.

        Raises:
            DivergedError: A loss, a weight, or the gradients of MAX_SKIPPED steps in a row are not finite.
            StoppedError: `should_stop` returned a signal; a checkpoint is saved.
            StorageError: The run directory cannot be written to.
        """
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
                    self.save()
            return self._finish()
        except EvaluationStoppedError as stopped:
            self._stop(stopped.signal)
        except DivergedError as problem:
            raise DivergedError(f"{problem}; {self._describe_saved()}") from None

    def _next_of(self, *every: int) -> int:
        """Return the next step that is a multiple of one of these numbers; at most the next end of the run."""
        step = self.state.step
        return min(self.config.end_after(step + 1), *(step // interval * interval + interval for interval in every))

    def _train_until(self, last: int, should_stop: ShouldStop) -> int | None:
        """Train until step `last`, the next report of progress, or a signal, which is returned.

        `should_stop` is not called after the final step here: the caller does so once the metrics are added.
        """
        began = time.perf_counter()
        for step in range(self.state.step + 1, last + 1):
            self.learner.train_step(step)
            # processes of one run report at the same steps, whatever their clocks say
            if step == last or self.learner.ranks.size > 1 or time.perf_counter() - began > PROGRESS_AFTER:
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
        due = step % self.config.eval_every == 0 or step in self.config.ends
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
            "rollbacks": self.learner.rollback.returns,
            **{f"mean_{name}": mean for name, mean in sizes},
            "eval_bits": score.bits,
            "eval_errors": score.errors,
            "eval_accuracy": score.accuracy,
            "eval_optimal_bits": score.optimal_bits,
        }
        self.writer.write_metrics(row, self._seconds())
        if curriculum_score is not None:
            self.learner.curriculum.report_errors(curriculum_score.distance())
        solved = self.learner.is_solved(score)
        if state.step not in self.config.ends:  # the result is of the weights that were evaluated last
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

    def save(self) -> None:
        """Write a checkpoint."""
        if not self.learner.is_finite():
            raise DivergedError(f"step {self.state.step}: a weight is not finite")
        self.state.seconds = self._seconds()
        state = {
            "config": self.config.to_json(),
            "train_state": asdict(self.state),
            "threads": torch.get_num_threads(),
            "curriculum": state_of(self.learner.curriculum),
            "data_digest": self.learner.task.data_digest,
        }
        self.writer.save(self.state.step, self.learner.tensors(), state)
        self.saved_at = self.state.step

    def _stop(self, signal: int) -> NoReturn:
        self.save()
        self.learner.ranks.wait()  # a process that has ended may be taken for one that failed
        raise StoppedError(signal, self.state.step, self.writer.path)

    def _finish(self) -> Result:
        """Write the last checkpoint, the trained weights and the result."""
        if self.saved_at != self.state.step:
            self.save()
        state = self.state
        result = Result(
            step=state.step,
            sequences=state.step * self.config.batch_size,
            solved_at_step=state.solved_at_step,
            errors=state.eval_errors if state.eval_errors is not None else math.nan,
            bits=state.eval_bits if state.eval_bits is not None else math.nan,
            gap_bits=state.eval_gap_bits,
            seconds=round(state.seconds, 3),
        )
        self.writer.finish(self.learner.model, result, self.learner.task.data_digest)
        return result

    def _progress(self, metrics: StepMetrics) -> Progress:
        step = self.state.step
        sequences = step * self.config.batch_size
        rollbacks = self.learner.rollback.returns
        return Progress(step, sequences, metrics.loss, metrics.bits, metrics.errors, self.state.eval_errors, rollbacks)

    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    def _describe_saved(self) -> str:
        if self.saved_at is None:
            return "there is no checkpoint yet"
        return f"the last good checkpoint is of step {self.saved_at}"
