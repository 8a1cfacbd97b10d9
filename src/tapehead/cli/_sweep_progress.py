"""The progress of a sweep: a table that is redrawn on a terminal, lines now and then elsewhere; on standard error."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from tapehead.cli._table import make_table
from tapehead.experiments.engines.engine import OnChange, States, Status

PRINT_EVERY = 30.0
"""Seconds between two lines."""
MOST_ROWS = 20
"""Runs that are listed at most on a terminal: those running first, then those that failed."""


@contextmanager
def show_sweep() -> Iterator[OnChange]:
    """Show the progress of a sweep."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        estimate = TimeLeft()
        yield lambda states: live.update(_draw(states, estimate(states)))


class TimeLeft:
    """Estimates the seconds that are left, from the training steps done since the first call."""

    def __init__(self) -> None:
        self.began: tuple[float, int] | None = None

    def __call__(self, states: States) -> float | None:
        """Give the seconds; None where nothing is known yet."""
        done = sum(state.step for state in states.values())
        left = sum(state.steps - state.step for state in states.values() if state.status in {"waiting", "running"})
        if self.began is None:
            self.began = (time.monotonic(), done)
        elapsed, gone = time.monotonic() - self.began[0], done - self.began[1]
        return elapsed * left / gone if gone > 0 else None


class _Lines:
    """Prints a line when a run ends, and every so often where all stand."""

    def __init__(self) -> None:
        self.estimate, self.printed_at = TimeLeft(), time.monotonic()
        self.before: dict[str, str] | None = None

    def __call__(self, states: States) -> None:
        left = self.estimate(states)
        statuses = {name: str(state.status) for name, state in states.items()}
        ended = self.before is not None and Counter(statuses.values()) != Counter(self.before.values())
        for name, state in states.items():
            if self.before is not None and state.status != self.before[name] and state.status in {"done", "failed"}:
                _print(f"{name}: {state.status}" + (f": {state.cause}" if state.cause else ""))
        over = ended and not {"waiting", "running"} & set(statuses.values())
        told_to_stop = "stopping" in statuses.values() and "stopping" not in (self.before or {}).values()
        if self.before is None or over or told_to_stop or time.monotonic() - self.printed_at > PRINT_EVERY:
            self.printed_at = time.monotonic()
            _print(summarize_states(states, left))
        self.before = statuses


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def summarize_states(states: States, seconds_left: float | None) -> str:
    """Say in a line how many runs are done, running, waiting and failed, and how long it will take."""
    counts = Counter(state.status for state in states.values())
    shown: tuple[Status, ...] = ("done", "running", "stopping", "waiting", "failed")
    words = [f"{counts[status]} {status}" for status in shown if counts[status]]
    if counts["stopping"]:
        return f"{', '.join(words)}; those stopping save first, and Ctrl-C again kills them"
    if counts["running"] + counts["waiting"] and seconds_left is not None:
        words.append(f"about {spell_duration(seconds_left)} left")
    return ", ".join(words)


def spell_duration(seconds: float) -> str:
    """Write a duration in the unit that suits it."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def list_states(states: States) -> Table:
    """Lay out where every run stands."""
    table = make_table(title="", caption="")
    for name in ("run", "state", "step", ""):
        table.add_column(name, justify="right" if name == "step" else "left", no_wrap=name == "run")
    for name, state in states.items():
        said = state.cause or state.phase
        table.add_row(escape(name), state.status, f"{state.step:,}/{state.steps:,}", escape(said))
    return table


def _draw(states: States, seconds_left: float | None) -> Table:
    """Draw those that run or have failed, and under them a summary."""
    shown = {name: state for name, state in states.items() if state.status in {"running", "stopping"}}
    shown |= {name: state for name, state in states.items() if state.status == "failed"}
    table = list_states(dict(list(shown.items())[:MOST_ROWS]))
    table.caption = summarize_states(states, seconds_left)
    return table
