"""Stopping when asked: Ctrl-C, and what a cluster sends before it pulls the plug."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias

ShouldStop: TypeAlias = Callable[[], int | None]
"""Called after every training step and between the parts of an evaluation; returns the number of a signal to stop."""

WATCHED = (signal.SIGINT, signal.SIGTERM)

SAVE_WITHIN = 2.0
"""Seconds after the first signal in which further ones change nothing: several often come at once."""


def never_stop() -> None:
    """Be a ShouldStop that no signal reaches."""


@contextmanager
def watch_signals() -> Iterator[Callable[[], int | None]]:
    """Catch SIGINT and SIGTERM; one that comes SAVE_WITHIN after the first ends the process. For the main thread only.

    Once a signal has come, the process is expected to end, and they stay caught until then.

    Yields:
        A function that gives the first signal that came, or None.
    """
    came: list[tuple[int, float]] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append((number, time.monotonic()))
        if came[-1][1] - came[0][1] > SAVE_WITHIN:
            signal.signal(number, before[signal.Signals(number)])
            signal.raise_signal(number)

    before = {watched: signal.signal(watched, note) for watched in WATCHED}
    try:
        yield lambda: came[0][0] if came else None
    finally:
        if not came:
            for watched, handler in before.items():
                signal.signal(watched, handler)
