"""Tries out a task, a model and a curriculum, which may be anybody's, before a run begins."""

import json
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tapehead.models import MODELS
from tapehead.tasks import TASKS, Batch, StreamTask, Task
from tapehead.training.config import RunConfig
from tapehead.training.curricula import Curriculum
from tapehead.training.data import (
    Purpose,
    draw_batch_of_size,
    draw_sizes,
    make_generator,
    model_inputs,
    sample_continued,
)
from tapehead.training.errors import TaskError

RECORDED = ("seed", "step", "memory_slots")
"""What a record of an evaluation has besides a score and the names of a size."""


def check_task(task: Task, reserved: tuple[str, ...]) -> None:
    """Raise unless a task is valid: its size names, batches of its smallest and its largest size, and its scores.

    Args:
        task: Any task.
        reserved: Names of other fields in the records, which a size cannot have.

    Raises:
        TypeError: Something is of the wrong type.
        ValueError: Something has a wrong value or shape.
        TaskError: It cannot draw a sequence.
    """
    _check_size_names(task, reserved)
    for size in dict.fromkeys((task.min_size, task.max_size)):
        batch = draw_batch_of_size(task, size, 2, np.random.default_rng(0))
        task.check_batch(batch, 2)
    digest: Any = task.data_digest  # as its author wrote it
    if not isinstance(digest, str | None):
        raise TypeError(f"{type(task).__name__}.data_digest: expected a str or None, not {digest!r}")
    if isinstance(task, StreamTask):
        for step in (1, 2):
            sample_continued(task, np.array([task.max_size] * 2, np.int64), 0, step)
    if type(task) not in TASKS.values():
        _check_scores(task, batch)


def _check_scores(task: Task, batch: Batch) -> None:
    """Raise unless the loss and the scores of two sequences have their shapes."""
    logits, name = torch.zeros(len(batch.mask), 2, task.output_size), type(task).__name__
    for method, shape, arguments in (
        ("cross_entropy", (2,), (logits, batch)),
        ("cross_entropy_gradient", tuple(logits.shape), (logits, batch, torch.tensor(1.0))),
        ("count_errors", (2,), (logits, batch)),
        ("count_targets", (2,), (batch,)),
    ):
        label = f"{name}.{method}: expected a tensor of shape {shape}"
        try:
            found = getattr(task, method)(*arguments)
        except Exception as problem:
            raise TaskError(f"{label}, not an error: {type(problem).__name__}: {problem}") from problem
        if not isinstance(found, Tensor) or found.shape != shape:
            kind = f"one of shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
            raise TaskError(f"{label}, not {kind}")


def _check_size_names(task: Task, reserved: tuple[str, ...]) -> None:
    label, count = f"{type(task).__name__}.size_names", len(task.max_size)
    names: Any = task.size_names
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{label}: expected a tuple of strings, not {names!r}")
    if len(names) != count:
        raise ValueError(f"{label}: expected one for each of the {count} numbers of max_size, not {names!r}")
    for name in names:
        if not name.isidentifier() or name in {*RECORDED, *reserved}:
            raise ValueError(f"{label}: expected identifiers that records use for nothing else, not {name!r}")


def check_model(config: RunConfig, task: Task, device: torch.device | str = "cpu") -> None:
    """Raise unless a model computes outputs for sequences of a task; a model of this package does.

    Args:
        config: The configuration of the run, whose model is made once more, so that the trial does not change its own.
        task: The task of the run.
        device: Where the model is tried.

    Raises:
        TypeError: What the model returns is of the wrong type.
        ValueError: The outputs are of the wrong shape or do not depend on the parameters, or the model raises an error;
            or it has an embedding, and the task's inputs are no token ids.
        TaskError: The task cannot draw a sequence.
    """
    width = config.model.options.get("embedding_size")
    if width is not None and draw_batch_of_size(task, task.min_size, 1, np.random.default_rng(0)).inputs.dim() != 2:
        expected = f"expected None for {config.task.name}, whose inputs are vectors, not token ids"
        raise ValueError(f"embedding_size: {expected}, not {width}")
    if config.model.name in MODELS:
        return
    model, name = config.make_model(device), config.model.name
    batch = draw_batch_of_size(task, task.max_size, 2, np.random.default_rng(0)).to(device)
    inputs = model_inputs(model, task, batch)
    shorter = torch.tensor([len(inputs), (len(inputs) + 1) // 2], device=device)
    for arguments in ({"lengths": shorter}, {}):  # as in training, and as in evaluations
        with torch.random.fork_rng(devices=[]):
            try:
                returned: Any = model(inputs, **arguments)
            except Exception as problem:
                called = f"{name} to run sequences {'with' if arguments else 'without'} lengths"
                reason = f"{type(problem).__name__}: {problem}"
                raise ValueError(f"model: expected {called}, not to raise an error: {reason}") from problem
        _check_outputs(name, returned, batch, task.output_size)


def _check_outputs(name: str, returned: Any, batch: Batch, output_size: int) -> None:
    """Raise unless a model returned outputs that can be trained, and a state."""
    expected = f"model: expected {name} to return a pair of outputs and a state"
    if not isinstance(returned, tuple) or len(returned) != 2:
        count = f" of {len(returned)} values" if isinstance(returned, tuple) else ""
        raise TypeError(f"{expected}, not a {type(returned).__name__}{count}")
    outputs = returned[0]
    dtype = torch.get_default_dtype()
    if not isinstance(outputs, Tensor) or outputs.dtype != dtype:
        found = outputs.dtype if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
        raise TypeError(f"{expected}, the outputs a tensor of {dtype}, not {found}")
    shape = (*batch.mask.shape, output_size)
    if outputs.shape != shape:
        raise ValueError(f"{expected}, the outputs of shape {shape}, not {tuple(outputs.shape)}")
    if not outputs.requires_grad:
        raise ValueError(f"{expected}, the outputs with a gradient, not detached from the parameters")


def check_curriculum(config: RunConfig) -> None:
    """Raise unless a curriculum draws sizes, and has a state that a checkpoint can hold.

    Raises:
        TaskError: It raises an error, or what it returns is of the wrong type or out of range.
    """
    curriculum = config.make_curriculum()
    draw_sizes(config, curriculum, make_generator(config.seed, Purpose.TRAINING, 1))
    state_of(curriculum)
    name, count = type(curriculum).__name__, len(curriculum.max_size)
    mean: Any = curriculum.mean_size
    waits_for: Any = curriculum.waits_for
    if not isinstance(mean, tuple) or len(mean) != count or not all(isinstance(number, int | float) for number in mean):
        raise TaskError(f"{name}.mean_size: expected a tuple of {_numbers(count)}, not {mean!r}")
    if waits_for is not None and not (
        isinstance(waits_for, tuple) and len(waits_for) == count and all(type(number) is int for number in waits_for)
    ):
        raise TaskError(f"{name}.waits_for: expected None or a tuple of {_numbers(count)}, not {waits_for!r}")


def _numbers(count: int) -> str:
    return f"{count} number" + "s" * (count != 1)


def state_of(curriculum: Curriculum) -> dict[str, Any]:
    """Return the state of a curriculum, for a checkpoint.

    Raises:
        TaskError: It is not the same after JSON was written and read, or it raises an error.
    """
    label = f"{type(curriculum).__name__}.state: expected a dict that JSON holds"
    try:
        state = curriculum.state()
        same = type(state) is dict and json.loads(json.dumps(state, allow_nan=False)) == state
    except Exception as problem:
        raise TaskError(f"{label}, not an error: {type(problem).__name__}: {problem}") from problem
    if not same:
        raise TaskError(f"{label} and gives back unchanged, not {state!r:.100}")
    return state
