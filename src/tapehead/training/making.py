"""Whether the components of a run can be made: each is made once, before anything is written."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import nn

from tapehead.training.components import Component, check_task_sizes, find
from tapehead.training.optimizers import make_optimizer

MOST_CHECKED = 10_000
"""Components of each kind that are remembered as checked: in a grid of thousands of runs most are alike."""


class _Making(NamedTuple):
    """A component that can be made: its name, its class and its options."""

    name: str
    factory: Callable[..., Any]
    options: tuple[tuple[str, Any], ...]

    def make(self, *arguments: object, **given: object) -> Any:
        """Make it, with the arguments that the run gives."""
        return self.factory(*arguments, **dict(self.options), **given)


@lru_cache(maxsize=MOST_CHECKED)
def _check_task(task: _Making) -> None:
    check_task_sizes(task.make())


@lru_cache(maxsize=MOST_CHECKED)
def _check_curriculum(task: _Making, curriculum: _Making) -> None:
    curriculum.make(task.make())


@lru_cache(maxsize=MOST_CHECKED)
def _check_model(task: _Making, model: _Making) -> None:
    learned = task.make()
    model.make(learned.input_size, learned.output_size, device=torch.device("meta"))


@lru_cache(maxsize=MOST_CHECKED)
def _check_optimizer(optimizer: _Making) -> None:
    """Take one step, which not every optimizer can with dense gradients and no closure."""
    weights = nn.Parameter(torch.zeros(2))
    weights.grad = torch.zeros(2)
    made = make_optimizer(optimizer.factory, weights, dict(optimizer.options))
    try:
        made.step()
    except (TypeError, RuntimeError) as problem:
        expected = "expected one that steps with dense gradients and without a closure"
        raise ValueError(f"optimizer: {expected}, not {optimizer.name}: {problem}") from problem


def check_components(components: Mapping[str, Component]) -> None:
    """Make every component once, whose own code may do anything.

    Args:
        components: One of each kind, with all options.

    Raises:
        TypeError: An option is of the wrong type.
        ValueError: An option is out of range, or a component cannot be made.
    """
    task, model, optimizer, curriculum = (
        _Making(components[kind].name, find(kind, components[kind].name), tuple(components[kind].options.items()))
        for kind in ("task", "model", "optimizer", "curriculum")
    )
    for kind, check, makings in (
        ("task", _check_task, (task,)),
        ("curriculum", _check_curriculum, (task, curriculum)),
        ("optimizer", _check_optimizer, (optimizer,)),
        ("model", _check_model, (task, model)),
    ):
        try:
            check(*makings)
        except (TypeError, ValueError, MemoryError):
            raise
        except Exception as problem:
            name, reason = components[kind].name, f"{type(problem).__name__}: {problem}"
            raise ValueError(f"{kind}: expected {name} to be made, not an error: {reason}") from problem
