"""Working through the runs of a sweep, so many processes at a time, wherever these are."""

import os
import platform
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tapehead.experiments.engines.engine import Limits, OnChange, Process, ShouldStop, Start, State, Status
from tapehead.experiments.jobs import LOG, Holder, Job, clear_failure, is_held, is_in_use, read_holder, write_failure
from tapehead.experiments.worker import DIVERGED, IN_USE, LOST

POLL_AFTER = 0.1
"""Seconds between two looks at the processes."""
START_WITHIN = 60.0
"""Seconds that a process has for its imports at least, whatever the timeout: a busy computer is slow at that."""
SAVE_WITHIN = 60.0
"""Seconds that a process has for saving when it is told to stop; then it is killed, and resumes from before."""


def supervise(
    jobs: list[Job], limits: Limits, start: Start, *, on_change: OnChange, should_stop: ShouldStop
) -> int | None:
    """Work through runs, each as a process that is started again if it fails; see `Engine`.

    Args:
        jobs: The runs.
        limits: The number of processes and of retries, and the timeout.
        start: Starts the process of a run.
        on_change: Called with the status of every run.
        should_stop: Returns the number of a signal to stop, or None.
    """
    tracked = [_Tracked(job, start) for job in jobs]
    waiting = deque(one for one in tracked if one.status == "waiting")
    running: list[_Tracked] = []
    try:
        while waiting or running:
            stopped_by = should_stop()
            if stopped_by is not None:
                return stopped_by
            for one in running:
                one.look_after(limits)
            waiting.extend(one for one in running if one.status == "waiting")
            running = [one for one in running if one.status == "running"]
            while waiting and len(running) < (limits.workers or len(jobs)):
                one = waiting.popleft()
                one.start()
                running.append(one)
            on_change({one.job.name: one.state() for one in tracked})
            time.sleep(POLL_AFTER)
    finally:
        _stop(running, lambda: on_change({one.job.name: one.state() for one in tracked}))
    return None


def _stop(running: list["_Tracked"], report: Callable[[], None]) -> None:
    """Tell processes to save and stop, and wait until they have; Ctrl-C on the way kills them.

    Errors of `report`, such as a closed standard error, are ignored.
    """
    left = [one for one in running if one.process is not None]
    try:
        for one in left:
            one.stop()
        until = time.monotonic() + SAVE_WITHIN
        while any(one.is_alive() for one in left) and time.monotonic() < until:
            with suppress(Exception):
                report()
            time.sleep(POLL_AFTER)
    finally:
        for one in left:
            with suppress(OSError):
                one.kill()
        for one in left:
            one.settle()
        with suppress(Exception):
            report()


def _kill_if_here(holder: Holder) -> bool:
    """Kill the process that holds a run; gives False if it is of another computer or user."""
    if holder.host != platform.node():
        return False
    try:
        os.kill(holder.pid, signal.SIGKILL)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True


class _Tracked:
    """A run, and the process that works on it."""

    def __init__(self, job: Job, start: Start) -> None:
        self.job, self.start_process = job, start
        self.process: Process | None = None  # None while running: it is a process of somebody else's
        self.status: Status = "waiting"
        self.cause = ""
        self.failures = 0  # in a row, without progress that was saved
        self.saved_before = job.saved_progress()
        self.logged_before = 0
        self.last_seen = (job.last_progress(), time.monotonic())  # what its process said, and since when
        self.reports = False  # it has said something since it was started here
        self.step = job.last_step()
        if job.is_done():
            self._finish()

    def state(self) -> State:
        """Say where the run stands."""
        return State(
            self.status, self.step, self.job.steps, self._phase(), self.cause if self.status == "failed" else ""
        )

    def start(self) -> None:
        """Start a process for it, unless another works on it already."""
        self.status, self.saved_before = "running", self.job.saved_progress()
        self.last_seen, self.reports = (self.job.last_progress(), time.monotonic()), False
        if is_in_use(self.job.path):
            self.reports = bool(self.last_seen[0])
            return
        clear_failure(self.job.path)
        log = self.job.path / LOG
        self.logged_before = log.stat().st_size if log.exists() else 0
        self.process = self.start_process(self.job)

    def look_after(self, limits: Limits) -> None:
        """See whether its process has ended, and kill it if it hangs."""
        if self.process is None:
            self._look_after_another_s_process(limits)
            return
        status = self.process.poll()
        if status is None and not self._hangs(limits.timeout):
            return
        if status is None:
            self.process.kill()
            self._end(self._describe_hanging(limits.timeout), limits)
        elif status == IN_USE:
            self.process, self.status = None, "waiting"
        else:
            self._end(self._describe_end(status), limits, retry=status != DIVERGED)

    def stop(self) -> None:
        """Tell its process to save and end; one that is still in a queue is taken out of it."""
        self.status = "stopping"
        if self.process is not None:
            (self.process.terminate if self.process.has_begun() else self.process.kill)()

    def is_alive(self) -> bool:
        """Say whether its process has not ended yet."""
        alive = self.process is not None and self.process.poll() is None
        self.status = "stopping" if alive else "waiting"
        return alive

    def kill(self) -> None:
        """End its process if it has not ended."""
        if self.is_alive() and self.process is not None:
            self.process.kill()

    def settle(self) -> None:
        """Note where it stands, now that its process has ended."""
        self.status, self.step = "waiting", self.job.last_step()
        if self.job.is_done():
            self._finish()

    def _look_after_another_s_process(self, limits: Limits) -> None:
        """Wait for a process that an earlier supervisor, or somebody, has started."""
        if not is_in_use(self.job.path):
            self.status, self.step = "waiting", self.job.last_step()
            if self.job.is_done():
                self._finish()
        elif self._hangs(limits.timeout) and is_held(self.job.path):
            self._kill_holder(self._describe_hanging(limits.timeout), limits)

    def _kill_holder(self, cause: str, limits: Limits) -> None:
        """Kill the process that holds the run; one that cannot be reached from here makes the run fail."""
        holder = read_holder(self.job.path)
        if holder is None:
            return
        if _kill_if_here(holder):
            self._end(cause, limits)
        else:
            self._give_up(
                f"{cause}; process {holder.pid} of {holder.host} works on it, and cannot be stopped from here"
            )

    def _hangs(self, timeout: float) -> bool:
        """Say whether it has made no progress for so many seconds."""
        said, now = self.job.last_progress(), time.monotonic()
        self.step = max(self.step, said.get("step", 0))
        if said != self.last_seen[0]:
            self.last_seen, self.reports = (said, now), True
        if self.process is not None and not self.process.has_begun():
            self.last_seen = (said, now)
        return now - self.last_seen[1] > (timeout if self.reports else max(timeout, START_WITHIN))

    def _end(self, cause: str, limits: Limits, *, retry: bool = True) -> None:
        """Decide what becomes of a run whose process has ended."""
        self.process, self.step = None, self.job.last_step()
        if self.job.is_done():
            self._finish()
            return
        saved = self.job.saved_progress()
        self.failures = 0 if saved > self.saved_before else self.failures + 1
        self.status, self.cause = "waiting", cause
        if not retry or self.failures > limits.retries:
            self._give_up(cause)

    def _finish(self) -> None:
        """Count it as done; what an earlier supervisor gave up is forgotten."""
        self.status = "done"
        clear_failure(self.job.path)

    def _give_up(self, cause: str) -> None:
        self.status, self.cause = "failed", cause
        write_failure(self.job.path, cause, self.failures)

    def _describe_hanging(self, timeout: float) -> str:
        seconds = timeout if self.reports else max(timeout, START_WITHIN)
        where = f"{self._phase()}, step {self.step:,} of {self.job.steps:,}"
        return f"hangs: no progress for {seconds:g} seconds while {where}"

    def _phase(self) -> str:
        """Say what its process is doing."""
        if self.status != "running":
            return ""
        return str(self.last_seen[0].get("phase", "")) if self.reports else "starting"

    def _describe_end(self, status: int) -> str:
        """Say why its process has ended: the last line that it printed, or the signal that killed it."""
        if status == LOST:
            return "lost: its node, or the process that looked after it there, is gone"
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        said = _last_line(self.job.path / LOG, self.logged_before)
        return said or f"ended with exit status {status}, and said nothing"


def _last_line(path: Path, start: int) -> str:
    """Read the last line of a file that is not empty, from so many bytes on."""
    lines = [line.strip() for line in path.read_bytes()[start:].decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")
