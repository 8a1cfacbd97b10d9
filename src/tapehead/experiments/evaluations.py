"""Evaluations of trained models: on sequences of which sizes, of how many, and with how much memory."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tapehead._arguments import check_count
from tapehead.models.memory_model import MemoryModel
from tapehead.tasks import Size
from tapehead.training.components import find
from tapehead.training.config import RunConfig
from tapehead.training.evaluation import evaluation_row
from tapehead.training.loaded_run import LoadedRun
from tapehead.training.run_dir import EVALUATIONS, append_rows, read_evaluations
from tapehead.training.signals import ShouldStop, never_stop

SEQUENCES = 192
"""As many as Collier & Beel 2018 take for each point of their tables."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a trained model is scored on.

    Args:
        sizes: The sizes of the sequences, as ((20,), (40,)); a size has a number for each of the task's size_names.
        memory_slots: How many slots a memory is given for it; None: as many as in training. Models without a memory
            are scored as they are.
        sequences: How many sequences of each size.
        models: The models that are scored on it, as ("ntm", "dnc"); None: those of every run.

    Raises:
        TypeError: A value is of the wrong type.
        ValueError: A number is out of range, or a model is not known.
    """

    sizes: tuple[Size, ...]
    memory_slots: int | None = None
    sequences: int = SEQUENCES
    models: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        expected = "sizes: expected a tuple of one size or more, each a tuple of whole numbers >= 1, as ((20,), (40,))"
        given: object = self.sizes
        if not isinstance(given, tuple) or not all(isinstance(size, tuple) for size in given):
            raise TypeError(f"{expected}, not {given!r}")
        if not self.sizes:
            raise ValueError(f"{expected}, not ()")
        for size in self.sizes:
            if not size or not all(type(number) is int and number >= 1 for number in size):
                raise ValueError(f"{expected}, not {size!r}")
        check_count("sequences", self.sequences)
        if self.memory_slots is not None:
            check_count("memory_slots", self.memory_slots)
        if self.models is not None:
            if not isinstance(self.models, tuple):
                raise TypeError(f"models: expected a tuple of names, as ('ntm', 'dnc'), or None, not {self.models!r}")
            for model in self.models:
                find("model", model)

    def is_for(self, model: str) -> bool:
        """Say whether a model of that name is scored on it."""
        return self.models is None or model in self.models


def with_memory_slots(loaded: LoadedRun, memory_slots: int) -> LoadedRun:
    """Give a trained model a memory of another size; what is drawn for it belongs to the run's seed, on every device.

    Raises:
        TypeError: The model has no memory.
    """
    if not isinstance(loaded.model, MemoryModel):
        raise TypeError(f"memory_slots: expected a model with a memory, not {loaded.config.model.name}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(loaded.config.seed)
        on_cpu = copy.deepcopy(loaded.model).cpu()  # a device draws other numbers than the CPU from the same seed
        resized = on_cpu.with_memory_slots(memory_slots)
    return loaded._replace(model=resized.to(next(loaded.model.parameters()).device))


def missing_evaluations(
    path: Path, config: RunConfig, step: int, evaluations: Sequence[Evaluation]
) -> list[tuple[Size, int | None, int]]:
    """List what a run has not recorded yet: a size, the memory slots and the number of sequences of each.

    Args:
        path: The run directory.
        config: The run's configuration.
        step: The training step at which it is to be evaluated.
        evaluations: All that is wanted.
    """
    names, own_slots = config.make_task().size_names, config.model.options.get("memory_slots")
    recorded = {
        (tuple(row.get(name) for name in names), row.get("memory_slots"), row.get("sequences"))
        for row in read_evaluations(path)[0]
        if row.get("step") == step
    }
    wanted = [
        (size, None if own_slots is None else evaluation.memory_slots or own_slots, evaluation.sequences)
        for evaluation in evaluations
        if evaluation.is_for(config.model.name)
        for size in evaluation.sizes
    ]
    return [one for one in dict.fromkeys(wanted) if one not in recorded]


def evaluate_missing(
    path: Path, loaded: LoadedRun, evaluations: Sequence[Evaluation], should_stop: ShouldStop = never_stop
) -> Iterator[dict[str, Any]]:
    """Do the evaluations that a run has not recorded yet; each is recorded as soon as it is done, and given back.

    Args:
        path: The run directory.
        loaded: The run as it stands there.
        evaluations: All that is wanted.
        should_stop: Called now and then during each; see ShouldStop.

    Raises:
        EvaluationStoppedError: `should_stop` returned a signal; the evaluation at hand is not recorded.
        StorageError: The directory cannot be written to.
        ValueError: There is no sequence of such a size, or no memory of so many slots.
    """
    config, own_slots = loaded.config, loaded.config.model.options.get("memory_slots")
    resized = {own_slots: loaded}
    for size, slots, sequences in missing_evaluations(path, config, loaded.step, evaluations):
        if slots is not None and slots not in resized:
            resized[slots] = with_memory_slots(loaded, slots)
        model = resized[slots].model
        row = evaluation_row(model, loaded.task, size, sequences, config.seed, loaded.step, should_stop)
        append_rows(path / EVALUATIONS, [row])
        yield row
