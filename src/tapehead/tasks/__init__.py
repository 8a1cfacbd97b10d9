"""Questions with answers: every task by the name that the command line knows it by."""

from tapehead.tasks._task import Batch, Encoding, Size, Sizes, Task
from tapehead.tasks.copy import Copy

TASKS: dict[str, type[Task]] = {"copy": Copy}

__all__ = ["TASKS", "Batch", "Copy", "Encoding", "Size", "Sizes", "Task"]
