"""The components of a run, by name: a task, a model, an optimizer and a curriculum, each with its own options."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from inspect import Parameter, signature
from types import ModuleType
from typing import Any, NamedTuple

from torch.optim import Optimizer

from tapehead._arguments import check_choice, check_count, check_text
from tapehead.cells.cell import Cell
from tapehead.models import MODELS
from tapehead.models.sequence_model import SequenceModel
from tapehead.tasks import TASKS, Task
from tapehead.training.curricula import CURRICULA, Curriculum
from tapehead.training.optimizers import OPTIMIZERS
from tapehead.training.options import Option, Options, name_type, options_of, unsettable_of


class Kind(NamedTuple):
    """One of the four kinds of component.

    Attributes:
        registry: The components of this kind in this package, by name.
        base: The base class that a class of your own must derive from.
        positional: How many arguments of the constructor, the first ones, the run gives itself; they are no options.
        given: The names of the others that are no options.
    """

    registry: Mapping[str, Callable[..., Any]]
    base: type
    positional: int
    given: frozenset[str]


KINDS: dict[str, Kind] = {
    "task": Kind(TASKS, Task, 0, frozenset()),
    "model": Kind(MODELS, SequenceModel, 2, frozenset({"batch_first", "device", "dtype"})),
    "optimizer": Kind(
        OPTIMIZERS,
        Optimizer,
        1,
        frozenset({"foreach", "fused", "capturable", "differentiable", "maximize"}),
    ),
    "curriculum": Kind(CURRICULA, Curriculum, 1, frozenset()),
}


@dataclass(frozen=True)
class Component:
    """A task, a model, an optimizer or a curriculum: its name, and its options.

    Args:
        name: A key of TASKS, MODELS, OPTIMIZERS or CURRICULA, or module:Class for a class of your own.
        options: Arguments of its constructor; missing ones take their defaults.
    """

    name: str
    options: Options = field(default_factory=dict)


def find(kind: str, name: str) -> Callable[..., Any]:
    """Find a component's class.

    Args:
        kind: A key of KINDS.
        name: A key of that kind's registry, or module:Class; the module is imported.

    Raises:
        TypeError: The name is not a string.
        ValueError: There is no such class.
    """
    check_text(kind, name)
    registry, base, *_ = KINDS[kind]
    if ":" not in name:
        check_choice(kind, name, registry)
        return registry[name]
    module_name, _, class_name = name.partition(":")
    module = _import(kind, module_name)
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        expected = f"a class in {_describe(module)} that is derived from {base.__module__}.{base.__name__}"
        raise ValueError(f"{kind}: expected {expected}, not {class_name!r}")  # noqa: TRY004 - the name is wrong
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise ValueError(f"{kind}: expected {name} to define {', '.join(missing)}")
    if issubclass(found, SequenceModel):
        _check_model(name, found)
    return found


def _check_model(name: str, model: type[SequenceModel[Any]]) -> None:
    """Raise unless a model of one's own names its cell, and can be made as a run makes it."""
    cell_type: object = getattr(model, "cell_type", None)
    if not (isinstance(cell_type, type) and issubclass(cell_type, Cell)):
        expected = f"expected {name} to set cell_type to the class of its cell, derived from {Cell.__module__}.Cell"
        given = getattr(cell_type, "__name__", cell_type)
        raise ValueError(f"model: {expected}, not to {given}")  # noqa: TRY004 - the class is wrong
    try:
        signature(model).bind_partial(1, 1, device=None)  # what its cell takes, and what it takes itself
        signature(model.__init__).bind_partial(None, 1, 1, device=None)
    except TypeError as problem:
        takes = f"expected {name} to take the arguments (input_size, output_size, *, device)"
        raise ValueError(f"model: {takes}, not {signature(model.__init__)}: {problem}") from problem


def known_options(kind: str, name: str) -> dict[str, Option]:
    """List the options of a component, by name.

    Args:
        kind: `task`, `model`, `optimizer` or `curriculum`.
        name: The component's name, or module:Class.

    Raises:
        ValueError: There is no such component, or it cannot be made from options alone.
    """
    for argument in unsettable_options(kind, name).values():
        if argument.default is Parameter.empty:
            reason = f"an option cannot have {name_type(argument.type)}"
            raise ValueError(f"{kind}: expected {name} to have a default for {argument.name}, since {reason}")
    factory = find(kind, name)
    return options_of(factory, _no_options(kind, factory))


def unsettable_options(kind: str, name: str) -> dict[str, Option]:
    """List the arguments of a component that neither the command line nor run.json can set, since of their types."""
    factory = find(kind, name)
    return unsettable_of(factory, _no_options(kind, factory))


@cache
def _no_options(kind: str, factory: Callable[..., Any]) -> frozenset[str]:
    """List the arguments of a component that the run gives itself."""
    return KINDS[kind].given | set(list(signature(factory).parameters)[: KINDS[kind].positional])


def check_task_sizes(task: Task) -> None:
    """Raise unless a task's input_size, output_size, min_size and max_size are valid.

    Raises:
        TypeError: One is not a whole number, or not a tuple of whole numbers.
        ValueError: One is too small, or min_size exceeds max_size.
    """
    name = type(task).__name__
    smallest: Any = task.min_size  # the task's author may return anything
    largest: Any = task.max_size
    check_count(f"{name}.input_size", task.input_size)
    check_count(f"{name}.output_size", task.output_size)
    for label, size in (("min_size", smallest), ("max_size", largest)):
        if not isinstance(size, tuple) or not size or not all(type(number) is int and number >= 1 for number in size):
            raise TypeError(f"{name}.{label}: expected a tuple of whole numbers >= 1, not {size!r}")
    if len(smallest) != len(largest) or any(low > high for low, high in zip(smallest, largest, strict=True)):
        raise ValueError(f"{name}.min_size: expected at most max_size={largest} in every number, not {smallest}")


def _import(kind: str, module: str) -> ModuleType:
    """Import a user's module."""
    if not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"{kind}: expected module:Class, with a dotted name before the colon, not {module!r}")
    try:
        return import_module(module)
    except (Exception, SystemExit) as problem:  # a user's module may raise anything
        reason = f"{type(problem).__name__}: {problem}"
        raise ValueError(f"{kind}: expected a module that can be imported, not {module!r}: {reason}") from problem


def _describe(module: ModuleType) -> str:
    """Describe a module with its file, since another of the same name may come first on sys.path."""
    return f"{module.__name__} ({module.__file__})" if getattr(module, "__file__", None) else module.__name__
