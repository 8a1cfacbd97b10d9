"""What can be learned: every file here that defines a task makes one, whose name is the file's."""

from importlib import import_module
from pkgutil import iter_modules

from tapehead.tasks.associative_recall import AssociativeRecall
from tapehead.tasks.batch import Batch, Encoding, Size, Sizes, spell_size
from tapehead.tasks.copy import Copy
from tapehead.tasks.ngrams import NGrams
from tapehead.tasks.priority_sort import PrioritySort
from tapehead.tasks.repeat_copy import RepeatCopy
from tapehead.tasks.reverse import Reverse
from tapehead.tasks.targets import BitTask, SymbolTask
from tapehead.tasks.task import Task

__all__ = [
    "TASKS",
    "AssociativeRecall",
    "Batch",
    "BitTask",
    "Copy",
    "Encoding",
    "NGrams",
    "PrioritySort",
    "RepeatCopy",
    "Reverse",
    "Size",
    "Sizes",
    "SymbolTask",
    "Task",
    "spell_size",
]


def _find_tasks() -> dict[str, type[Task]]:
    """Import every module of this package, and take the task that is defined in it."""
    found = {}
    for module in iter_modules(__path__):
        for value in vars(import_module(f"{__name__}.{module.name}")).values():
            own = isinstance(value, type) and value.__module__ == f"{__name__}.{module.name}"
            if own and issubclass(value, Task) and not value.__abstractmethods__:
                found[module.name] = value
    return found


TASKS: dict[str, type[Task]] = _find_tasks()
"""Every task by its name; see `find` in `tapehead.training.components` for tasks of your own."""
