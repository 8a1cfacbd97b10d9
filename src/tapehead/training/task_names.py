"""Tasks by name: those of this package, and those of the user's own as module:Class."""

from importlib import import_module
from types import ModuleType

from tapehead._arguments import check_choice, check_text
from tapehead.tasks import TASKS, Task


def find_task(name: str) -> type[Task]:
    """Find a task's class.

    Args:
        name: A key of TASKS, or module:Class for a class of one's own; its module is imported.

    Raises:
        TypeError: The name is no word.
        ValueError: There is no such task.
    """
    check_text("task", name)
    if ":" not in name:
        check_choice("task", name, TASKS)
        return TASKS[name]
    module, _, wanted = name.partition(":")
    looked_in = _imported(module)
    found = getattr(looked_in, wanted, None)
    if not (isinstance(found, type) and issubclass(found, Task)):
        expected = f"a class in {_where(looked_in)} that is derived from tapehead.tasks.Task"
        raise ValueError(f"task: expected {expected}, not {wanted!r}")  # noqa: TRY004 - the name is wrong
    missing = sorted(found.__abstractmethods__)
    if missing:
        raise ValueError(f"task: expected {name} to define {', '.join(missing)}")
    return found


def _imported(module: str) -> ModuleType:
    """Import a module of the user's."""
    if not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"task: expected module:Class, with a dotted name before the colon, not {module!r}")
    try:
        return import_module(module)
    except Exception as problem:  # it may do anything
        reason = f"{type(problem).__name__}: {problem}"
        raise ValueError(f"task: expected a module that can be imported, not {module!r}: {reason}") from problem


def _where(module: ModuleType) -> str:
    """Say which module it is, since another of its name may come first."""
    return f"{module.__name__} ({module.__file__})" if getattr(module, "__file__", None) else module.__name__
