"""How far a run is: a bar on a terminal, a line now and then elsewhere; always on standard error."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from tapehead.training.loop import Listen
from tapehead.training.standing import Progress

SAID_EVERY = 10.0


@contextmanager
def shown(updates: int) -> Iterator[Listen]:
    """Show the progress of a run of so many updates."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(updates)
        return
    with _TwoLines(console) as bar:
        yield _Redrawn(bar, updates)


class _TwoLines(Bar):
    """How far it is, and under it what was measured, so that both fit into 80 columns."""

    def __init__(self, console: Console) -> None:
        self.measured = ""
        columns = [TextColumn("update {task.completed}/{task.total}"), BarColumn(None), _Speed()]
        super().__init__(*columns, TimeRemainingColumn(), TextColumn("left"), console=console, refresh_per_second=5)

    def get_renderables(self) -> Iterator[RenderableType]:
        """Give the two lines."""
        yield from super().get_renderables()
        yield Text(self.measured)


class _Redrawn:
    """Tells the bar."""

    def __init__(self, bar: _TwoLines, updates: int) -> None:
        self.bar, self.updates = bar, updates
        self.task: TaskID | None = None

    def __call__(self, progress: Progress) -> None:
        if self.task is None:  # made here, not before: a resumed run's speed counts from where it began
            self.task = self.bar.add_task("", total=self.updates, completed=progress.update)
        self.bar.measured = measured(progress)
        self.bar.update(self.task, completed=progress.update)


class _Lines:
    """Prints a line every few seconds."""

    def __init__(self, updates: int) -> None:
        self.updates, self.first, self.started = updates, 0, time.monotonic()
        self.said_at = self.started

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self.first:
            self.first, self.started = progress.update, now
        if now - self.said_at > SAID_EVERY or progress.update == self.updates:
            self.said_at = now
            speed = (progress.update - self.first) / max(now - self.started, 1e-9)
            line = f"update {progress.update}/{self.updates}  {measured(progress)}"
            if speed:  # not known of a run that is told of only once
                line += f"  {speed:.1f} updates/s  {(self.updates - progress.update) / speed:.0f} s left"
            print(line, file=sys.stderr, flush=True)


class _Speed(ProgressColumn):
    """Updates per second."""

    def render(self, task: Task) -> Text:
        """Say how fast it goes, once that is known."""
        return Text("" if task.speed is None else f"{task.speed:.1f} updates/s")


def measured(progress: Progress) -> str:
    """Say in a line what was measured."""
    parts = [
        f"{progress.sequences:,} sequences",
        f"loss {progress.loss:.4f}",
        f"{progress.bits:.2f} bits",
        f"{progress.bit_errors:.2f} bit errors",
    ]
    if progress.evaluation_bit_errors is not None:
        parts.append(f"evaluation {progress.evaluation_bit_errors:.2f}")
    return "  ".join(parts)
