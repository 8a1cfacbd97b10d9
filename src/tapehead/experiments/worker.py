"""The process of one run of a sweep: trains it from where it stands, then evaluates what is not evaluated yet.

It ends with exit status 0 when all is done, IN_USE if another process works on the run, DIVERGED if the run would
diverge again, 128 + n if signal n stopped it, and otherwise with the reason in the last line that it prints.
It stops as if told to when its supervisor is gone.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from tapehead.experiments.evaluations import Evaluation, evaluate_missing
from tapehead.experiments.jobs import hold, write_progress
from tapehead.training import loop
from tapehead.training.errors import DivergedError, InUseError, StoppedError, TrainingError
from tapehead.training.loaded_run import load_run
from tapehead.training.run_dir import read_config
from tapehead.training.signals import watch_signals
from tapehead.training.train_state import Progress

IN_USE = 75
"""Exit status: another process works on the run. (The system's own number for what may succeed later.)"""

DIVERGED = 65
"""Exit status: the run has diverged, and would again. (The system's own number for bad data.)"""

LOST = 69
"""Exit status of a process that nothing more is known of. (The system's own number for a service that is gone.)"""

REPORT_AFTER = 1.0
"""Seconds between two reports of progress."""


class Order(NamedTuple):
    """What a worker is to do, and for whom."""

    path: Path
    evaluations: tuple[Evaluation, ...]
    supervisor: int  # the process that has started it
    device: str = "cpu"
    threads: int = 1

    def to_words(self) -> list[str]:
        """Write it as the words of a command line."""
        wanted = [vars(evaluation) for evaluation in self.evaluations]
        return [str(self.path), json.dumps(wanted), str(self.supervisor), self.device, str(self.threads)]

    @classmethod
    def from_words(cls, words: Sequence[str]) -> "Order":
        """Read what `to_words` wrote."""
        path, wanted, supervisor, device, threads = words
        evaluations = tuple(Evaluation(**_with_tuples(one)) for one in json.loads(wanted))
        return cls(Path(path), evaluations, int(supervisor), device, int(threads))


def _with_tuples(value: Any) -> Any:
    """Give what JSON has as lists as tuples."""
    if isinstance(value, dict):
        return {name: _with_tuples(member) for name, member in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def main(words: Sequence[str]) -> int:
    """Do a worker's work, and give its exit status."""
    order = Order.from_words(words)
    torch.set_num_threads(order.threads)
    sys.path.append("")  # classes of one's own are found in the current folder as well, after all that is installed
    try:
        with hold(order.path):
            return _Work(order).run()
    except InUseError as problem:
        return _say(problem, IN_USE)
    except DivergedError as problem:
        return _say(problem, DIVERGED)
    except TrainingError as problem:
        return _say(problem, problem.status)


class _Work:
    """A worker at work."""

    def __init__(self, order: Order) -> None:
        self.order, self.reported, self.step = order, 0.0, 0

    def run(self) -> int:
        """Train and evaluate."""
        path, device, config = self.order.path, self.order.device, read_config(self.order.path)
        self._report("training")
        with watch_signals() as signaled:

            def should_stop() -> int | None:
                orphaned = os.getppid() != self.order.supervisor
                return signal.SIGTERM if orphaned else signaled()

            result = loop.resume(
                path, on_progress=self._on_progress, should_stop=should_stop, warn=_warn, device=device
            )
            self.step = result.step
            self._report("evaluating 0")
            if self.order.evaluations:
                loaded = load_run(path, _warn, device)
                for number, _ in enumerate(evaluate_missing(path, loaded, self.order.evaluations, should_stop), 1):
                    self._report(f"evaluating {number}")
                    stopped_by = should_stop()
                    if stopped_by is not None:
                        raise StoppedError(stopped_by, config.steps, path)
        return 0

    def _on_progress(self, progress: Progress) -> None:
        self.step = progress.step
        if time.monotonic() - self.reported > REPORT_AFTER:
            self._report("training")

    def _report(self, phase: str) -> None:
        """Say how far it is; the process id tells the first report from the last one of an earlier process."""
        self.reported = time.monotonic()
        write_progress(self.order.path, step=self.step, phase=phase, pid=os.getpid())


def _warn(message: str) -> None:
    sys.stderr.write(f"warning: {message}\n")


def _say(problem: Exception, status: int) -> int:
    sys.stderr.write(" ".join(str(problem).split()) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
