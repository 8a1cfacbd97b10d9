"""Training from the first update to the last, however often it is stopped in between."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from tapehead.training.checkpoints import Checkpoint, last_checkpoint, remove_later
from tapehead.training.errors import BrokenCheckpointError, DivergedError, FolderError, StoppedError
from tapehead.training.folder import (
    CHECKPOINTS,
    MACHINE,
    RESULT,
    WEIGHTS,
    Journal,
    explained,
    locked,
    read_json,
    read_run,
    save_checkpoint,
    start_folder,
    write_json,
)
from tapehead.training.learner import Learner, Lesson
from tapehead.training.machine import fingerprint, surroundings
from tapehead.training.run import Run
from tapehead.training.standing import Progress, Result, Standing

CHECKPOINT_EVERY = 500
"""Updates between checkpoints unless told otherwise."""
TOLD_AFTER = 0.1
"""Seconds after which it is said how far a run is."""

Listen: TypeAlias = Callable[[Progress], None]
"""Told how far the run is: after the first update that ends TOLD_AFTER seconds later, and where it pauses anyway."""
Stop: TypeAlias = Callable[[], int | None]
"""Asked after every update; the number of a signal means: save, and stop."""
Warn: TypeAlias = Callable[[str], None]
"""Told in a sentence what is not as it should be, though the run goes on."""


def train(run: Run, path: Path, *, listen: Listen, stop: Stop, checkpoint_every: int = CHECKPOINT_EVERY) -> Result:
    """Do a run and record it in a folder of its own.

    Args:
        run: What to do.
        path: The run's folder; made where it is missing.
        listen: Told now and then how far the run is; see TOLD_AFTER.
        stop: Asked after every update whether to stop.
        checkpoint_every: Updates between checkpoints; does not change the result.

    Raises:
        ValueError: The model's options do not go together.
        FolderError: The folder holds a run, or is in use.
        StorageError: The folder cannot be written to.
        DivergedError: The loss is not finite any more.
        StoppedError: `stop` said so; all is saved.
    """
    run = run.complete()
    learner = Learner(run)
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)
    with locked(path):
        start_folder(path, run, _machine(learner, 0))
        journal = Journal(path, known={}, update=0)
        return _Training(run, path, learner, journal, Standing()).go(listen, stop, checkpoint_every)


def resume(path: Path, *, listen: Listen, stop: Stop, warn: Warn, checkpoint_every: int = CHECKPOINT_EVERY) -> Result:
    """Go on with a run where its last whole checkpoint stands; a finished run is left as it is.

    Args:
        path: The run's folder.
        listen: Told now and then how far the run is; see TOLD_AFTER.
        stop: Asked after every update whether to stop.
        warn: Told what is not as it should be, in a sentence.
        checkpoint_every: Updates between checkpoints; does not change the result.

    Raises:
        FolderError: There is no run here, it is in use, or its description was changed.
        StorageError: The folder cannot be written to.
        BrokenCheckpointError: No checkpoint is whole.
        DivergedError: The loss is not finite any more.
        StoppedError: `stop` said so; all is saved.
    """
    run = read_run(path)
    finished = finished_result(path)
    if finished is not None:
        return finished
    with locked(path):
        learner = Learner(run)
        checkpoint, problems = last_checkpoint(path / CHECKPOINTS)
        standing, known = Standing(), {}
        if checkpoint is not None:
            restore(learner, checkpoint, path)
            standing, known = Standing(**checkpoint.facts["standing"]), checkpoint.facts["metrics"]
        for problem in problems:
            warn(f"{problem}; going on from the one before, of update {standing.update}")
        journal = Journal(path, known=known, update=standing.update)
        remove_later(path / CHECKPOINTS, standing.update)
        _note_machine(path, learner, standing.update, warn)
        return _Training(run, path, learner, journal, standing).go(listen, stop, checkpoint_every)


def finished_result(path: Path) -> Result | None:
    """Read how a run ended; None if it has not, or if what it left behind is not all there any more."""
    ended = read_json(path / RESULT)
    whole = isinstance(ended, dict) and ended.keys() == set(Result._fields) and (path / WEIGHTS).exists()
    return Result(**ended) if whole else None


def restore(learner: Learner, checkpoint: Checkpoint, path: Path) -> None:
    """Put a learner where a checkpoint stands.

    Raises:
        FolderError: run.json is not the one that the checkpoint was made under.
        BrokenCheckpointError: The checkpoint's tensors are not those of the run's model, or it holds no state of the
            run's curriculum.
    """
    then, now = checkpoint.facts["run"], learner.run.to_json()
    for name, value in now.items():
        if then.get(name) != value:
            changed = f"{name} was {then.get(name)!r} and is {value!r}"
            raise FolderError(f"{path}: run.json was changed since the checkpoint: {changed}")
    try:
        learner.load_tensors(checkpoint.tensors)
    except (RuntimeError, ValueError, KeyError) as problem:
        reason = " ".join(str(problem).split())
        raise BrokenCheckpointError(f"{path}: the checkpoint is of another model: {reason}") from problem
    try:
        learner.curriculum.load_state(checkpoint.facts.get("curriculum"))
    except ValueError as problem:
        raise BrokenCheckpointError(f"{path}: the checkpoint is of another curriculum: {problem}") from problem


SKIPPED_AT_MOST = 20
"""Updates in a row whose gradients are not finite, and which are skipped; with the last of them the run stops."""


class _Training:
    """A run on its way."""

    def __init__(self, run: Run, path: Path, learner: Learner, journal: Journal, standing: Standing) -> None:
        self.run, self.path, self.learner, self.journal, self.standing = run, path, learner, journal, standing
        self.saved_at: int | None = standing.update or None
        self.started = time.perf_counter() - standing.seconds

    def go(self, listen: Listen, stop: Stop, checkpoint_every: int) -> Result:
        """Do the updates that are left, and finish."""
        while not self._is_done():
            try:
                signal = self._learn(self._next_of(self.run.evaluate_every, checkpoint_every), stop)
                lesson = self._count()
                signal = stop() if signal is None else signal
            except DivergedError as problem:
                raise DivergedError(f"{problem}; {self._last_good()}") from None
            listen(self._progress(lesson))
            if signal is not None and not self._is_done():
                self._save()
                raise StoppedError(signal, self.standing.update, self.path)
            if self.standing.update % checkpoint_every == 0:
                self._save()
        return self._finish()

    def _next_of(self, *every: int) -> int:
        """Say at which update the next of these is due that come every so many updates; the last one if none is."""
        return min(self.run.updates, *(self.standing.update // often * often + often for often in every))

    def _learn(self, last: int, stop: Stop) -> int | None:
        """Do updates until the last is done, it is time to tell of them, or `stop` says so; returns what it said.

        After the last one it is not asked: that is for after what is due then.
        """
        began = time.perf_counter()
        for update in range(self.standing.update + 1, last + 1):
            self.learner.learn(update)
            if update == last or time.perf_counter() - began > TOLD_AFTER:
                break
            signal = stop()
            if signal is not None:
                return signal
        return None

    def _count(self) -> Lesson:
        """Add up what the updates that were done have measured, and do the evaluation that is due after them."""
        for lesson in self.learner.lessons():
            self.standing.count(lesson)
            if self.standing.skipped_in_a_row == SKIPPED_AT_MOST:
                said = f"its gradient is not finite, nor are those of the {SKIPPED_AT_MOST - 1} updates before"
                raise DivergedError(f"update {self.standing.update}: {said}")
        if self.standing.update % self.run.evaluate_every == 0 or self.standing.update == self.run.updates:
            self._evaluate()
        return lesson

    def _evaluate(self) -> None:
        """Measure, write it down, and begin new means."""
        standing, score = self.standing, self.learner.evaluate(self.standing.update)
        sizes = self.learner.curriculum.mean_size
        if not math.isfinite(score.bits):
            raise DivergedError(f"update {standing.update}: the evaluation gives {score.bits} bits")
        row = {
            "update": standing.update,
            "sequences": standing.update * self.run.batch_size,
            "learning_rate": self.learner.learning_rate(standing.update),
            "loss": standing.loss / standing.lessons,
            "bits": standing.bits / standing.lessons,
            "bit_errors": standing.bit_errors / standing.lessons,
            "largest_gradient_norm": standing.gradient_norm,
            "skipped_updates": standing.skipped,
            **{f"mean_{name}": mean for name, mean in zip(self.learner.task.size_names, sizes, strict=True)},
            "evaluation_bits": score.bits,
            "evaluation_bit_errors": score.bit_errors,
            "evaluation_best_bits": score.best_bits,
        }
        self.journal.write(row, self._seconds())
        self.learner.advance(standing.update)
        solved_at = standing.solved_at_update
        if solved_at is None and score.bit_errors < self.run.solved_below:
            solved_at = standing.update
        self.standing = Standing(
            update=standing.update,
            skipped_in_a_row=standing.skipped_in_a_row,
            solved_at_update=solved_at,
            evaluation_bit_errors=score.bit_errors,
            evaluation_bits=score.bits,
        )

    def _is_done(self) -> bool:
        solved = self.standing.solved_at_update is not None
        return self.standing.update >= self.run.updates or (solved and self.run.stop_when_solved)

    def _save(self) -> None:
        """Write a checkpoint."""
        if not self.learner.is_finite():
            raise DivergedError(f"update {self.standing.update}: a weight is not finite; {self._last_good()}")
        self.standing.seconds = self._seconds()
        facts = {
            "run": self.run.to_json(),
            "standing": asdict(self.standing),
            "curriculum": self.learner.curriculum.state(),
            "metrics": self.journal.mark(),
        }
        save_checkpoint(self.path, Checkpoint(self.standing.update, self.learner.tensors(), facts))
        self.saved_at = self.standing.update

    def _finish(self) -> Result:
        """Write the trained weights, and last the result: only a run that has one is finished."""
        self._save()
        standing = self.standing
        with explained(self.path):
            self.learner.model.save(self.path / WEIGHTS)
        result = Result(
            update=standing.update,
            sequences=standing.update * self.run.batch_size,
            solved_at_update=standing.solved_at_update,
            bit_errors=standing.evaluation_bit_errors if standing.evaluation_bit_errors is not None else math.nan,
            bits=standing.evaluation_bits if standing.evaluation_bits is not None else math.nan,
            seconds=round(standing.seconds, 3),
        )
        write_json(self.path / RESULT, result._asdict())
        return result

    def _progress(self, lesson: Lesson) -> Progress:
        update, last = self.standing.update, self.standing.evaluation_bit_errors
        return Progress(update, update * self.run.batch_size, lesson.loss, lesson.bits, lesson.bit_errors, last)

    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    def _last_good(self) -> str:
        if self.saved_at is None:
            return "there is no checkpoint yet"
        return f"the last good checkpoint is of update {self.saved_at}"


def _machine(learner: Learner, update: int) -> dict[str, Any]:
    return {"from_update": update, "fingerprint": fingerprint(learner.model), **surroundings()}


def _note_machine(path: Path, learner: Learner, update: int, warn: Warn) -> None:
    """Add to machine.json if the run goes on elsewhere, and warn if its bits may differ from here on."""
    now, before = _machine(learner, update), read_json(path / MACHINE)
    if not before:
        warn(f"{path / MACHINE}: missing or damaged, so what the run began on is not known")
        write_json(path / MACHINE, [now])
        return
    then = before[-1]
    for name, value in now["fingerprint"].items():
        if then["fingerprint"].get(name) != value:
            warn(f"{name} was {then['fingerprint'].get(name)} and is {value}: the result may differ in its last bits")
    if {**now, "from_update": 0} != {**then, "from_update": 0}:
        write_json(path / MACHINE, [*before, now])
