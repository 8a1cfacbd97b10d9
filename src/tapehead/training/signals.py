"""Stopping when asked: Ctrl-C, and what a cluster sends before it pulls the plug."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias

ShouldStop: TypeAlias = Callable[[], int | None]
"""Called after every training step and between the parts of an evaluation; returns the number of a signal to stop."""

WATCHED = (signal.SIGINT, signal.SIGTERM)


def never_stop() -> None:
    """Be a ShouldStop that no signal reaches."""


@contextmanager
def watch_signals() -> Iterator[Callable[[], int | None]]:
    """Catch SIGINT and SIGTERM; a second one ends the process as usual. For the main thread only.

    Yields:
        A function that gives the signal that came, or None.
    """
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        for watched, handler in before.items():
            signal.signal(watched, handler)

    before = {watched: signal.signal(watched, note) for watched in WATCHED}
    try:
        yield lambda: came[0] if came else None
    finally:
        for watched, handler in before.items():
            signal.signal(watched, handler)
