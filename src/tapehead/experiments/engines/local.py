"""Runs of a sweep as processes of this computer, each on one thread."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import final

from tapehead.experiments.engines.engine import Limits, OnChange, ShouldStop
from tapehead.experiments.engines.supervisor import supervise
from tapehead.experiments.jobs import LOG, Job
from tapehead.experiments.worker import Order
from tapehead.training.environment import count_cores
from tapehead.training.run_dir import explain_errors


def run_locally(
    jobs: list[Job], limits: Limits, *, on_change: OnChange, should_stop: ShouldStop, device: str = "cpu"
) -> int | None:
    """Work through runs as processes of this computer, with every model on one device; see `Engine`."""

    def start(job: Job) -> LocalProcess:
        return LocalProcess(Order(job.path, job.evaluations, os.getpid(), device), job.path / LOG)

    limits = limits._replace(workers=limits.workers or count_cores())
    return supervise(jobs, limits, start, on_change=on_change, should_stop=should_stop)


@final
class LocalProcess:
    """A worker as a process of this computer.

    Args:
        order: What it is to do, and for this process.
        log: The file that what it prints is added to.
    """

    def __init__(self, order: Order, log: Path) -> None:
        with explain_errors(log), log.open("ab") as file:
            # -P: a file of the user's called copy.py must not come before Python's own; a session of its own: Ctrl-C is
            # for the supervisor, which tells its processes
            self.process = subprocess.Popen(  # noqa: S603 - this Python, and words made here
                [sys.executable, "-P", "-m", "tapehead.experiments.worker", *order.to_words()],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def poll(self) -> int | None:
        """Give its exit status; None as long as it has not ended."""
        return self.process.poll()

    def has_begun(self) -> bool:
        """Say that it has: there is no queue."""
        return True

    def terminate(self) -> None:
        """Tell it to save and end."""
        self.process.terminate()

    def kill(self) -> None:
        """End it at once, with all that it has started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
