"""The configuration of a run: all that decides its result, and nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from json import JSONDecodeError
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer

from tapehead._arguments import check_count, check_number, suggest
from tapehead.models import Model
from tapehead.models.memory_model import MemoryModel
from tapehead.tasks import Task
from tapehead.training.component_json import read_component, to_lists, write_component
from tapehead.training.components import KINDS, Component, find, known_options
from tapehead.training.curricula import Curriculum
from tapehead.training.making import check_components
from tapehead.training.optimizers import LRSchedule, make_optimizer
from tapehead.training.options import LARGEST, Option, complete, options_of

MAX_INT64 = 2**63 - 1
"""The most that a seed or a number of training steps may be."""

FIELDS_ADDED_LATER: dict[str, Any] = {"extended_at": (), "initial_weights": None}
"""Fields that run.json leaves out where they have this value: they were added after runs had been recorded without."""

_COUNTS = (
    ("seed", 0, MAX_INT64),
    ("batch_size", 1, LARGEST),
    ("steps", 1, MAX_INT64),
    ("warmup_steps", 0, MAX_INT64),
    ("eval_every", 1, MAX_INT64),
    ("eval_sequences", 1, LARGEST),
)
"""The least and the most of every field that is a whole number."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Configures one training run; with the same software, the same configuration gives the same weights, bit for bit.

    A component is given by its name and the options that differ from its own defaults; the others are filled in, so
    that a later version's defaults do not matter. `recipes.configure` makes a configuration from a recipe.

    Args:
        task: What is learned.
        model: What is trained on it.
        optimizer: What changes its weights.
        curriculum: Which sizes of sequence are trained on, and when.
        seed: The random seed of the initial weights and of all data.
        batch_size: Number of sequences in a batch.
        steps: Number of training steps.
        min_memory_slots: Every batch is trained on a memory of another number of slots, drawn between this (or what the
            longest training sequence needs, if that is more) and the model's own, evenly in its reciprocal, so that
            most are small; none, or the model's own or more: always on that.
        sizes_per: Whether every sequence of a batch has its own size, or all have the same.
        loss_reduction: The cross-entropy's mean over all scored bits or symbols, or its sum divided by the batch size
            (batchmean).
        lr_schedule: The learning rate after the warm-up: constant, or falling to 0 along half a cosine.
        warmup_steps: Training steps over which the learning rate rises linearly from 0.
        rollback_patience: After this many evaluations in a row that are far worse than the best so far (more than ten
            times its errors, or its bits above the best possible, and more than a tenth of the worst's), training goes
            back to the best, with half the learning rate, unless it is at its end; and, if the task was solved with at
            most a tenth of the sequences wrong, as soon as more than half of a training batch (of 8 or more) are, at
            most once between two evaluations; none: it never does.
        max_grad_norm: Gradients are clipped to this norm; none: they are not.
        max_grad_value: Each element of the gradients is clipped to +- this; none: they are not.
        eval_every: Training steps between evaluations, each on new sequences of the largest training size.
        eval_sequences: Number of sequences in an evaluation.
        solved_below: The task counts as solved at the first evaluation with fewer errors per sequence than this.
        stop_when_solved: Stop at the first evaluation at which the task is solved.
        extended_at: The numbers of steps that the run was first to have, in order: up to each of them it is trained as
            if it ended there, and after the last one as if it had been `steps` long from the beginning; see `extend`.
        initial_weights: The SHA-256 of the weights that training begins with, which `loop.train` is given and the first
            checkpoint holds; none: those that the seed says.

    Raises:
        TypeError: A value is of the wrong type.
        ValueError: A value is out of range, or a name is not known.
    """

    task: Component
    model: Component
    optimizer: Component
    curriculum: Component
    seed: int
    batch_size: int = 32
    steps: int = 3000
    min_memory_slots: int | None = None
    sizes_per: Literal["sequence", "batch"] = "sequence"
    loss_reduction: Literal["mean", "batchmean"] = "mean"
    lr_schedule: LRSchedule = "cosine"
    warmup_steps: int = 500
    rollback_patience: int | None = None
    max_grad_norm: float | None = 0.001
    max_grad_value: float | None = None
    eval_every: int = 100
    eval_sequences: int = 320
    solved_below: float = 0.1
    stop_when_solved: bool = False
    extended_at: tuple[int, ...] = ()
    initial_weights: str | None = None

    def __post_init__(self) -> None:
        for kind in KINDS:
            component = getattr(self, kind)
            if not isinstance(component, Component):
                raise TypeError(f"{kind}: expected a Component, which is a name with options, not {component!r}")
            known = known_options(kind, component.name)
            options = complete(f"the {kind} {component.name}", known, component.options)
            object.__setattr__(self, kind, Component(component.name, options))
        for name, option in run_options().items():
            object.__setattr__(self, name, option.check(getattr(self, name)))
        self._check_numbers()
        self._check_extended_at()
        check_components({kind: getattr(self, kind) for kind in KINDS})
        if self.min_memory_slots is not None:
            self._check_min_memory_slots(self.min_memory_slots)

    def _check_numbers(self) -> None:
        for name, least, most in _COUNTS:
            value = getattr(self, name)
            if value > most:
                raise ValueError(f"{name}: expected a whole number from {least} to {most}, not {value}")
            check_count(name, value, least)
        if self.rollback_patience is not None:
            check_count("rollback_patience", self.rollback_patience)
        check_number("solved_below", self.solved_below, 0)
        for name in ("max_grad_norm", "max_grad_value"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), above=0, most=torch.finfo(torch.get_default_dtype()).max)
        if not isinstance(self.initial_weights, str | None):
            raise TypeError(f"initial_weights: expected a string or None, not {self.initial_weights!r}")
        if self.max_grad_norm is not None and self.max_grad_value is not None:
            given = f"max_grad_norm={self.max_grad_norm}"
            raise ValueError(f"max_grad_value: expected None beside {given}, not {self.max_grad_value}")

    def _check_extended_at(self) -> None:
        given: object = self.extended_at
        if not isinstance(given, tuple) or any(type(end) is not int for end in given):
            raise TypeError(f"extended_at: expected a tuple of whole numbers, not {given!r}")
        if any(end >= later for end, later in pairwise((0, *given, self.steps))):
            expected = f"expected whole numbers that rise from 1 or more to less than steps={self.steps}"
            raise ValueError(f"extended_at: {expected}, not {given!r}")

    def _check_min_memory_slots(self, least: int) -> None:
        model = self._make_model(torch.device("meta"))
        if not isinstance(model, MemoryModel):
            expected = f"expected None for {self.model.name}, which has no memory"
            raise ValueError(f"min_memory_slots: {expected}, not {least}")  # noqa: TRY004 - the model has the wrong type
        check_count("min_memory_slots", least, model.cell.least_slots)

    @property
    def ends(self) -> tuple[int, ...]:
        """The numbers of steps that the run was to have, the last one of which it has now."""
        return (*self.extended_at, self.steps)

    def end_after(self, step: int) -> int:
        """Return how many steps the run was to have when a step of it was trained."""
        return next(end for end in self.ends if step <= end)

    def extend(self, steps: int) -> "RunConfig":
        """Configure the same run with more training steps; from its end on, the schedule is that of the longer run.

        Args:
            steps: How many there shall be in all; as many as before: nothing changes.

        Raises:
            ValueError: It has more already.
        """
        if steps < self.steps:
            raise ValueError(f"steps: expected {self.steps} or more, which the run has already, not {steps}")
        return self if steps == self.steps else replace(self, steps=steps, extended_at=self.ends)

    def before_extensions(self) -> list["RunConfig"]:
        """List the configurations that the run had before it was extended."""
        return [
            replace(self, steps=end, extended_at=self.extended_at[:number])
            for number, end in enumerate(self.extended_at)
        ]

    def make_task(self) -> Task:
        """Make the task that is learned."""
        task: Task = find("task", self.task.name)(**self.task.options)
        return task

    def make_curriculum(self) -> Curriculum:
        """Make the curriculum as it stands before the first training step."""
        curriculum: Curriculum = find("curriculum", self.curriculum.name)(self.make_task(), **self.curriculum.options)
        return curriculum

    def make_model(self, device: torch.device | str = "cpu") -> Model:
        """Make the model with the initial weights of the seed; torch's own generators are left as they were.

        Args:
            device: Where it is put; the weights are drawn on the CPU, so they are the same on every device.

        Raises:
            ValueError: The model is too large for the memory.
        """
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            try:
                return self._make_model(torch.device("cpu")).to(device)
            except (MemoryError, RuntimeError) as problem:
                if "memory" not in str(problem):
                    raise
                raise ValueError("model: expected sizes that fit into memory, not these") from problem

    def _make_model(self, device: torch.device) -> Model:
        task, make = self.make_task(), find("model", self.model.name)
        model: Model = make(task.input_size, task.output_size, **self.model.options, device=device)
        return model

    def make_optimizer(self, weights: nn.Parameter) -> Optimizer:
        """Make the optimizer of all weights, which are one tensor."""
        return make_optimizer(find("optimizer", self.optimizer.name), weights, self.optimizer.options)

    def to_json(self) -> dict[str, Any]:
        """Give the configuration as what JSON can hold; what is listed as added later is left out at its default."""
        described = {
            name: to_lists(value)
            for name, value in vars(self).items()
            if name not in FIELDS_ADDED_LATER or value != FIELDS_ADDED_LATER[name]
        }
        for kind in KINDS:
            described[kind] = write_component(kind, described[kind])
        return described

    @classmethod
    def from_json(cls, text: bytes, source: str) -> "RunConfig":
        """Read a configuration back.

        Args:
            text: JSON as written from `to_json`.
            source: What to call it in messages.

        Raises:
            TypeError: A value is of the wrong type.
            ValueError: The text is not JSON, a name is unknown or missing, or a value is out of range.
        """
        try:
            described = json.loads(text)
        except (ValueError, RecursionError) as error:
            where = (
                f", which breaks off or is wrong at line {error.lineno}" if isinstance(error, JSONDecodeError) else ""
            )
            raise ValueError(f"{source}: expected JSON{where or ', not this file'}") from None
        if not isinstance(described, dict):
            raise TypeError(f"{source}: expected a JSON object, not {type(described).__name__}")
        check_names(described)
        missing = sorted(_FIELDS - described.keys() - FIELDS_ADDED_LATER.keys())
        if missing:
            raise ValueError(f"{source}: expected a field {missing[0]!r}, which is missing")
        components = {kind: read_component(kind, described[kind]) for kind in KINDS}
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in described.items()
        }
        return cls(**given | components)


_FIELDS = {described.name for described in fields(RunConfig)}


def run_options() -> dict[str, Option]:
    """List the options of a run itself, by name: those that belong to no component, and are not made by a command."""
    return options_of(RunConfig, frozenset({*KINDS, *FIELDS_ADDED_LATER}))


def check_names(names: Mapping[str, object]) -> None:
    """Raise unless every name is a field of `RunConfig`; the message gives the nearest."""
    for name in names:
        if name not in _FIELDS:
            raise ValueError(f"{name}: expected a field of RunConfig, which has no such one{suggest(name, _FIELDS)}")
