"""Stopping when asked: Ctrl-C, and what a cluster sends before it pulls the plug."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

WATCHED = (signal.SIGINT, signal.SIGTERM)


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
