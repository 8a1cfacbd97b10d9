"""The interface of an engine, which executes the runs of a sweep."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from tapehead.experiments.jobs import Job

Status: TypeAlias = Literal["waiting", "running", "stopping", "done", "failed"]


class State(NamedTuple):
    """Where a run of a sweep stands.

    Attributes:
        status: Whether it is waiting, running, told to stop, done or failed.
        step: The training step that it has reached.
        steps: How many there are.
        phase: What its process is doing, in a word or two; empty where it has none.
        cause: Why it failed; empty if it did not.
    """

    status: Status
    step: int
    steps: int
    phase: str = ""
    cause: str = ""


States: TypeAlias = Mapping[str, State]
"""Where every run of a sweep stands, by its name."""

OnChange: TypeAlias = Callable[[States], None]
"""Called a few times a second with where every run stands."""
ShouldStop: TypeAlias = Callable[[], int | None]
"""Called a few times a second; the number of a signal means: stop all runs, saved, and come back."""


class Process(Protocol):
    """The process of a run, wherever it is; see worker.py for what its exit status says."""

    def poll(self) -> int | None:
        """Give its exit status; None as long as it has not ended."""
        ...

    def has_begun(self) -> bool:
        """Say whether it has left the queue, if there is one."""
        ...

    def terminate(self) -> None:
        """Tell it to save and end."""
        ...

    def kill(self) -> None:
        """End it at once, with all that it has started."""
        ...


Start: TypeAlias = Callable[[Job], Process]
"""Starts the process of a run."""


class Limits(NamedTuple):
    """The number of workers and of retries, and the timeout.

    Attributes:
        workers: Number of runs in parallel; None: one for each CPU there is.
        retries: How often a run may fail in a row, without any progress that was saved, and still be tried again.
        timeout: Seconds without a sign of progress after which a run's process is killed.
    """

    workers: int | None = None
    retries: int = 2
    timeout: float = 600.0


@runtime_checkable
class Engine(Protocol):
    """Executes the runs of a sweep."""

    def __call__(self, jobs: list[Job], limits: Limits, *, on_change: OnChange, should_stop: ShouldStop) -> int | None:
        """Train and evaluate every run that is not done, until each is done or has failed.

        Args:
            jobs: The runs.
            limits: The number of workers and of retries, and the timeout.
            on_change: Called with the status of every run.
            should_stop: Returns the number of a signal to stop, or None.

        Returns:
            The signal that stopped it; None if it was not stopped.
        """
        ...
