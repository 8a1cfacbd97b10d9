"""How well a model answers: both metrics, on questions of one size at a time."""

import math
from typing import NamedTuple

import torch

from tapehead.maths.scores import bit_errors, bits
from tapehead.models import Model
from tapehead.tasks import Size, Task
from tapehead.training.data import Purpose, batch_of_size, generator

CHUNK = 64
"""Sequences that are scored at a time, so that long ones fit into memory."""


class Score(NamedTuple):
    """Both metrics on questions of one size: the mean over the sequences, and the standard error of that mean.

    Where no answer can be certain, bits are to be compared with the best possible ones on the same sequences: the last
    three are None where 0 bits are possible.
    """

    size: Size
    sequences: int
    bit_errors: float
    bit_errors_standard_error: float | None  # None of a single sequence
    bits: float
    bits_standard_error: float | None
    best_bits: float | None = None
    gap_bits: float | None = None  # bits less the best possible
    gap_bits_standard_error: float | None = None


@torch.no_grad()
def score(model: Model, task: Task, size: Size, sequences: int, seed: int, purpose: Purpose, *numbers: int) -> Score:
    """Try a model on fresh questions of one size.

    Args:
        model: What answers.
        task: What is asked.
        size: How large every question is.
        sequences: How many are asked, at least 1.
        seed: The run's seed.
        purpose: What for.
        *numbers: Which of all that is done for that purpose.
    """
    wrong, information, gap = [], [], []
    for chunk, first in enumerate(range(0, sequences, CHUNK)):
        source = generator(seed, purpose, *numbers, chunk)
        batch = batch_of_size(task, size, min(CHUNK, sequences - first), source)
        outputs, _ = model(batch.inputs)
        wrong.append(bit_errors(outputs, batch.targets, batch.scored).double())
        information.append(bits(outputs, batch.targets, batch.scored).double())
        best = task.best(batch)
        if best is not None:
            gap.append(information[-1] - best)
    found = Score(size, sequences, *_mean_and_error(torch.cat(wrong)), *_mean_and_error(torch.cat(information)))
    if not gap:
        return found
    above, error = _mean_and_error(torch.cat(gap))
    return found._replace(best_bits=found.bits - above, gap_bits=above, gap_bits_standard_error=error)


def generalisation(model: Model, task: Task, size: Size, sequences: int, seed: int) -> Score:
    """Try a trained model on one size; the same questions come for every model of the same seed."""
    return score(model, task, size, sequences, seed, Purpose.GENERALISATION, *size)


def _mean_and_error(values: torch.Tensor) -> tuple[float, float | None]:
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else None
    return float(values.mean()), error
