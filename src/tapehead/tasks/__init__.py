"""Questions with answers: every task by the name that the command line knows it by."""

from tapehead.tasks._task import Batch, Encoding, Size, Sizes, Task
from tapehead.tasks.associative_recall import AssociativeRecall
from tapehead.tasks.copy import Copy
from tapehead.tasks.ngrams import NGrams
from tapehead.tasks.priority_sort import PrioritySort
from tapehead.tasks.repeat_copy import RepeatCopy

TASKS: dict[str, type[Task]] = {
    "copy": Copy,
    "repeat_copy": RepeatCopy,
    "associative_recall": AssociativeRecall,
    "ngrams": NGrams,
    "priority_sort": PrioritySort,
}

__all__ = [
    "TASKS",
    "AssociativeRecall",
    "Batch",
    "Copy",
    "Encoding",
    "NGrams",
    "PrioritySort",
    "RepeatCopy",
    "Size",
    "Sizes",
    "Task",
]
