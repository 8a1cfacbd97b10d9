"""Runs of a sweep on a Ray cluster: each as a process beside an actor, which Ray puts where a CPU is free.

The sweep's directory must be on storage that all nodes share. A run whose node is lost goes on elsewhere from its last
checkpoint, as one whose process was killed does.
"""

import os
from pathlib import Path
from typing import Any, final

import ray
from ray.exceptions import RayError, RayTaskError

from tapehead.experiments.engines.engine import Limits, OnChange, ShouldStop
from tapehead.experiments.engines.local import LocalProcess
from tapehead.experiments.engines.supervisor import supervise
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.jobs import LOG, Job
from tapehead.experiments.worker import LOST, Order


def run_on_ray(
    jobs: list[Job], limits: Limits, *, on_change: OnChange, should_stop: ShouldStop, device: str = "cpu"
) -> int | None:
    """Work through runs on the Ray cluster that this computer belongs to, or on one of its own; see `Engine`."""
    here = not ray.is_initialized()
    if here:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        there = ray.cluster_resources().get("CPU" if device == "cpu" else "GPU", 1)
        limits = limits._replace(workers=limits.workers or int(there))
        return supervise(
            jobs, limits, lambda job: RayProcess(job, device), on_change=on_change, should_stop=should_stop
        )
    finally:
        if here:
            ray.shutdown()


class _Attendant:
    """Starts a worker on the node that it is on, and looks after it; Ray ends the worker with it."""

    def __init__(self, path: Path, evaluations: tuple[Evaluation, ...], device: str) -> None:
        self.order = Order(path, evaluations, os.getpid(), device)
        self.process: LocalProcess | None = None

    def poll(self) -> int | None:
        if self.process is None:  # here, and not above, so that it is told what is wrong
            self.process = LocalProcess(self.order, self.order.path / LOG)
        return self.process.poll()

    def terminate(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()


@final
class RayProcess:
    """A worker somewhere on a Ray cluster.

    Args:
        job: The run that it works on.
        device: Where its model is; one that is not the CPU takes a GPU of the cluster.
    """

    def __init__(self, job: Job, device: str) -> None:
        needs = {"num_cpus": 1, "num_gpus": 0 if device == "cpu" else 1}
        self.attendant = ray.remote(**needs)(_Attendant).remote(job.path.resolve(), job.evaluations, device)
        self.asked: Any = self.attendant.poll.remote()
        self.status: int | None = None
        self.answered, self.log = False, job.path / LOG

    def poll(self) -> int | None:
        """Give its exit status; None as long as it has not ended, or not begun; LOST if its node is gone."""
        if self.status is None and ray.wait([self.asked], timeout=0)[0]:
            try:
                self.status = ray.get(self.asked)
            except RayTaskError as error:  # such as a directory that its node does not share
                self.status = 1
                with self.log.open("a") as file:
                    file.write(f"{error.cause}\n")
            except RayError:
                self.status = LOST
            self.answered = True
            if self.status is None:
                self.asked = self.attendant.poll.remote()
            else:
                ray.kill(self.attendant)
        return self.status

    def has_begun(self) -> bool:
        """Say whether Ray has found a place for it."""
        return self.answered

    def terminate(self) -> None:
        """Tell it to save and end."""
        self.attendant.terminate.remote()

    def kill(self) -> None:
        """End it at once, with all that it has started."""
        if self.answered:
            ray.wait([self.attendant.kill.remote()], timeout=1.0)
        ray.kill(self.attendant)
        self.status = LOST
