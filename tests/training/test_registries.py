"""Whatever can be chosen by name is in its registry."""

import inspect
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from tapehead.training import curricula, optimisers
from tapehead.training.curricula import CURRICULA, Curriculum
from tapehead.training.optimisers import OPTIMISERS


def made_for(module: ModuleType, parameters: list[str]) -> set[str]:
    """The module's own public functions whose first parameters are these."""
    functions = inspect.getmembers(module, inspect.isfunction)
    return {
        name
        for name, function in functions
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and [*inspect.signature(function).parameters][: len(parameters)] == parameters
    }


def test_every_curriculum_is_registered():
    found = {
        value
        for module in iter_modules(curricula.__path__, f"{curricula.__name__}.")
        for value in vars(import_module(module.name)).values()
        if inspect.isclass(value) and issubclass(value, Curriculum) and not inspect.isabstract(value)
    }
    assert set(CURRICULA.values()) == found
    assert len(CURRICULA) == len(found)


def test_every_optimiser_is_registered():
    assert set(OPTIMISERS) == made_for(optimisers, ["parameters", "learning_rate"])
