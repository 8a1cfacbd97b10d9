"""How well a model predicts: errors and cross-entropy on fresh sequences of one size at a time."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tapehead.models import Model
from tapehead.tasks import Batch, Size, Task
from tapehead.training.data import Purpose, draw_batch_of_size, make_generator, model_inputs
from tapehead.training.errors import EvaluationStoppedError
from tapehead.training.signals import ShouldStop, never_stop

CHUNK = 64
"""Sequences that are drawn at a time, and at most run at a time, so that long ones fit into memory."""
FEWEST, MOST_PRODUCTS = 16, 10**10
"""A large model runs fewer, so that a signal is seen within tenths of a second: as many as come to so many products,
one for each parameter, sequence and time step (what a memory costs is not counted); but at least FEWEST, since a few
at a time are slow.
"""


class Score(NamedTuple):
    """Errors and cross-entropy on sequences of one size: the mean over the sequences, and its standard error.

    Errors and targets are bits or symbols, as the task says. Where no prediction can be certain, bits are to be
    compared with the best possible ones on the same sequences: the last three are None where 0 bits are possible.

    Attributes:
        size: Of every sequence.
        sequences: How many there were.
        errors: Wrong bits or symbols per sequence.
        errors_standard_error: Of their mean; None for a single sequence.
        bits: Cross-entropy per sequence, in bits.
        bits_standard_error: Of its mean; None for a single sequence.
        accuracy: Share of the targets that are right.
        sequence_accuracy: Share of the sequences without an error.
        bits_per_target: Cross-entropy for each bit or symbol, in bits.
        optimal_bits: The best possible cross-entropy per sequence.
        gap_bits: Bits less the best possible.
        gap_bits_standard_error: Of its mean; None for a single sequence.
    """

    size: Size
    sequences: int
    errors: float
    errors_standard_error: float | None
    bits: float
    bits_standard_error: float | None
    accuracy: float
    sequence_accuracy: float
    bits_per_target: float
    optimal_bits: float | None = None
    gap_bits: float | None = None
    gap_bits_standard_error: float | None = None

    def distance(self) -> float:
        """Give how far the model is from the best possible: errors or, where none can be certain, bits above it."""
        return self.errors if self.gap_bits is None else self.gap_bits


@torch.no_grad()
def score(
    model: Model,
    task: Task,
    size: Size,
    sequences: int,
    seed: int,
    purpose: Purpose,
    *numbers: int,
    should_stop: ShouldStop = never_stop,
) -> Score:
    """Run a model on fresh sequences of one size.

    Args:
        model: Any model, on any device.
        task: What is predicted.
        size: The size of every sequence.
        sequences: How many, at least 1.
        seed: The run's seed.
        purpose: What for.
        *numbers: Which of all batches for that purpose.
        should_stop: Called between parts of at most CHUNK sequences; see ShouldStop.

    Returns:
        The means over the sequences.

    Raises:
        EvaluationStoppedError: `should_stop` returned a signal.
    """
    device, parameters = next(model.parameters()).device, sum(tensor.numel() for tensor in model.parameters())
    errors, bits, targets, optimal = list[Tensor](), list[Tensor](), list[Tensor](), list[Tensor]()
    for chunk, first in enumerate(range(0, sequences, CHUNK)):
        generator = make_generator(seed, purpose, *numbers, chunk)
        drawn = draw_batch_of_size(task, size, min(CHUNK, sequences - first), generator)
        best = task.optimal_bits(drawn)
        if best is not None:
            optimal.append(best.double())
        for part in _split(drawn, max(FEWEST, MOST_PRODUCTS // (parameters * len(drawn.mask)))):
            signal = should_stop() if errors else None
            if signal is not None:
                raise EvaluationStoppedError(signal)
            batch = part.to(device)
            logits, _ = model(model_inputs(model, task, batch))
            errors.append(task.count_errors(logits, batch).double().cpu())
            bits.append(task.cross_entropy(logits, batch).double().cpu())
            targets.append(task.count_targets(batch).double().cpu())
    return _summarize(size, torch.cat(errors), torch.cat(bits), torch.cat(targets), optimal)


def _split(batch: Batch, count: int) -> Iterator[Batch]:
    """Split a batch into batches of `count` sequences, or fewer in the last."""
    axes = {"inputs": 1, "targets": 1, "mask": 1, "lengths": 0}
    parts = (getattr(batch, name).split(count, axis) for name, axis in axes.items())
    return (Batch(*tensors) for tensors in zip(*parts, strict=True))


def _summarize(size: Size, errors: Tensor, bits: Tensor, targets: Tensor, optimal: list[Tensor]) -> Score:
    total = float(targets.sum())
    found = Score(
        size,
        len(errors),
        *_mean_and_error(errors),
        *_mean_and_error(bits),
        accuracy=1 - float(errors.sum()) / total,
        sequence_accuracy=float((errors == 0).double().mean()),
        bits_per_target=float(bits.sum()) / total,
    )
    if not optimal:
        return found
    gap, error = _mean_and_error(bits - torch.cat(optimal))
    return found._replace(optimal_bits=found.bits - gap, gap_bits=gap, gap_bits_standard_error=error)


def evaluate(
    model: Model, task: Task, size: Size, sequences: int, seed: int, should_stop: ShouldStop = never_stop
) -> Score:
    """Score a trained model on one size; every model of the same seed gets the same sequences.

    Args:
        model: As for `score`; so are the others.
        task: What is predicted.
        size: The size of every sequence.
        sequences: How many, at least 1.
        seed: The run's seed.
        should_stop: Called between parts of at most CHUNK sequences; see ShouldStop.

    Returns:
        The means over the sequences.

    Raises:
        EvaluationStoppedError: `should_stop` returned a signal.
    """
    return score(model, task, size, sequences, seed, Purpose.GENERALIZATION, *size, should_stop=should_stop)


def evaluation_row(
    model: Model, task: Task, size: Size, sequences: int, seed: int, step: int, should_stop: ShouldStop = never_stop
) -> dict[str, Any]:
    """Evaluate a model as it was after a training step on one size, as a row for the records."""
    found = evaluate(model, task, size, sequences, seed, should_stop)._asdict()
    named = dict(zip(task.size_names, found.pop("size"), strict=True))
    return {"seed": seed, "step": step, "memory_slots": model.config.get("memory_slots"), **named, **found}


def _mean_and_error(values: Tensor) -> tuple[float, float | None]:
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else None
    return float(values.mean()), error
