"""Whatever can be chosen by name is in its registry."""

import inspect
from types import ModuleType

from tapehead.training import lengths, optimisers
from tapehead.training.lengths import CURRICULA
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
    assert {curriculum.__name__ for curriculum in CURRICULA.values()} == made_for(lengths, ["task", "count"])


def test_every_optimiser_is_registered():
    assert set(OPTIMISERS) == made_for(optimisers, ["parameters", "learning_rate"])
