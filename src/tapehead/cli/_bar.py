"""The progress of a run: a bar on a terminal, a line now and then elsewhere; always on standard error."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from tapehead.experiments.labels import count
from tapehead.training.session import OnProgress
from tapehead.training.train_state import Progress

PRINT_EVERY = 10.0
"""Seconds between two lines."""


@contextmanager
def show_progress(steps: int, error_name: str) -> Iterator[OnProgress]:
    """Show the progress of a run of so many training steps, on a task whose errors go by that name."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(steps, error_name)
        return
    with _TwoLines(console) as bar:
        yield _Redrawn(bar, steps, error_name)


class _TwoLines(Bar):
    """How far it is, and under it what was measured, so that both fit into 80 columns."""

    def __init__(self, console: Console) -> None:
        self.measured = ""
        columns = [TextColumn("step {task.completed}/{task.total}"), BarColumn(None), _Speed()]
        super().__init__(*columns, TimeRemainingColumn(), TextColumn("left"), console=console, refresh_per_second=5)

    def get_renderables(self) -> Iterator[RenderableType]:
        """Give the two lines."""
        yield from super().get_renderables()
        yield Text(self.measured)


class _Redrawn:
    """Updates the bar."""

    def __init__(self, bar: _TwoLines, steps: int, error_name: str) -> None:
        self.bar, self.steps, self.error_name = bar, steps, error_name
        self.task: TaskID | None = None

    def __call__(self, progress: Progress) -> None:
        if self.task is None:  # made here, not before: a resumed run's speed counts from where it began
            self.task = self.bar.add_task("", total=self.steps, completed=progress.step)
        self.bar.measured = describe(progress, self.error_name)
        self.bar.update(self.task, completed=progress.step)


class _Lines:
    """Prints a line every few seconds."""

    def __init__(self, steps: int, error_name: str) -> None:
        self.steps, self.error_name, self.first, self.started = steps, error_name, 0, time.monotonic()
        self.printed_at = self.started

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self.first:
            self.first, self.started = progress.step, now
        if now - self.printed_at > PRINT_EVERY or progress.step == self.steps:
            self.printed_at = now
            speed = (progress.step - self.first) / max(now - self.started, 1e-9)
            line = f"step {progress.step}/{self.steps}  {describe(progress, self.error_name)}"
            if speed:  # unknown when progress is reported only once
                line += f"  {speed:.1f} steps/s  {(self.steps - progress.step) / speed:.0f} s left"
            print(line, file=sys.stderr, flush=True)


class _Speed(ProgressColumn):
    """Training steps per second."""

    def render(self, task: Task) -> Text:
        """Show the speed, once it is known."""
        return Text("" if task.speed is None else f"{task.speed:.1f} steps/s")


def describe(progress: Progress, error_name: str) -> str:
    """Put into one line what was measured."""
    parts = [
        count(progress.sequences, "sequence"),
        f"loss {progress.loss:.4f}",
        f"{progress.bits:.2f} bits",
        f"{progress.errors:.2f} {error_name}",
    ]
    if progress.eval_errors is not None:
        parts.append(f"evaluation {progress.eval_errors:.2f}")
    if progress.rollbacks:
        parts.append(count(progress.rollbacks, "rollback"))
    return "  ".join(parts)
