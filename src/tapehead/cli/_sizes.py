"""Sizes of sequences on the command line."""

import numpy as np

from tapehead.cli._errors import CommandError
from tapehead.tasks import Size, Task, spell_size
from tapehead.training.data import draw_batch_of_size


def check_size(size: Size, task: Task, flag: str) -> Size:
    """Raise unless this is a size of the task's sequences."""
    if len(size) != len(task.size_names):
        expected = f"{'x'.join(map(str.upper, task.size_names))}, such as {spell_size(task.max_size)}"
        raise CommandError(f"{flag}: expected {expected}, not {spell_size(size)!r}")
    task.check_batch(draw_batch_of_size(task, size, 1, np.random.default_rng(0)), 1)
    return size
