"""Whatever can be chosen by name is in its registry, and all optimizers but one are torch's own."""

import inspect
from importlib import import_module
from pkgutil import iter_modules

import torch

from tapehead.models import MODELS
from tapehead.tasks import TASKS
from tapehead.training import curricula
from tapehead.training.components import KINDS
from tapehead.training.curricula import CURRICULA, Curriculum
from tapehead.training.optimizers import OPTIMIZERS, StableAdam


def test_every_curriculum_is_registered():
    found = {
        value
        for module in iter_modules(curricula.__path__, f"{curricula.__name__}.")
        for value in vars(import_module(module.name)).values()
        if inspect.isclass(value) and issubclass(value, Curriculum) and not inspect.isabstract(value)
    }
    assert set(CURRICULA.values()) == found
    assert len(CURRICULA) == len(found)


def test_optimizers_but_one_are_torch_s_own_by_their_names_in_small_letters():
    others = {name: optimizer for name, optimizer in OPTIMIZERS.items() if optimizer is not StableAdam}
    assert {name: getattr(torch.optim, optimizer.__name__) for name, optimizer in others.items()} == others
    assert [optimizer.__name__.lower() for optimizer in others.values()] == list(others)
    assert OPTIMIZERS["stable_adam"] is StableAdam


def test_every_kind_of_component_has_its_registry():
    registries = {"task": TASKS, "model": MODELS, "optimizer": OPTIMIZERS, "curriculum": CURRICULA}
    assert {kind: KINDS[kind].registry for kind in KINDS} == registries
