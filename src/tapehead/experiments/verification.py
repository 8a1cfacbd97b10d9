"""How far a trained model is right: ever longer sequences, until the first error, a limit of size or one of time."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from tapehead import plots
from tapehead.experiments.evaluations import with_memory_slots
from tapehead.models.memory_model import MemoryModel
from tapehead.tasks import Batch, Size, Task
from tapehead.training.data import Purpose, draw_batch_of_size, make_generator, model_inputs
from tapehead.training.loaded_run import LoadedRun

Numbers: TypeAlias = NDArray[Any]

END_STEPS, STEPS_AT_ONCE = 80, 8
"""The time steps of a sequence's end that are drawn, and how many states of them are held at a time."""

ROOM = 1.25
"""A memory is given at least this many slots for each vector or symbol of a sequence, and a power of two in all."""


class FirstError(NamedTuple):
    """Where a model is first wrong on sequences of one size.

    Attributes:
        sequence: The number of the sequence, from 1.
        time_step: The time step of the first wrong output, from 1.
        target: Which of the sequence's scored time steps that is, from 1.
    """

    sequence: int
    time_step: int
    target: int


class Ending(NamedTuple):
    """The last K time steps of a sequence.

    Attributes:
        inputs: (K, I).
        outputs: Probabilities, (K, O).
        mask: The time steps that are scored, (K,).
        write: Weightings of the write heads, (K, H, N).
        read: Weightings of the read heads, (K, R, N).
        memory: The memory after the last of them, (N, W).
    """

    inputs: Numbers
    outputs: Numbers
    mask: Numbers
    write: Numbers
    read: Numbers
    memory: Numbers


class Verified(NamedTuple):
    """How a model did on sequences of one size.

    Attributes:
        size: The size of the sequences.
        memory_slots: The slots of its memory; None: it has none.
        sequences: How many there were.
        errors: The wrong bits or symbols of them all.
        targets: The scored bits or symbols of them all.
        first_error: Where it is first wrong; None if it never is.
        seconds: How long it took.
        ending: The end of the first sequence; None if the model has no memory.
    """

    size: Size
    memory_slots: int | None
    sequences: int
    errors: int
    targets: int
    first_error: FirstError | None
    seconds: float
    ending: Ending | None


def grow_sizes(task: Task, axis: int, largest: int) -> list[Size]:
    """List the sizes to try: the largest of training, then doubled along one axis up to `largest`, which is the last.

    Args:
        task: What is learned.
        axis: Which number of a size is doubled.
        largest: The last value of that number.

    Raises:
        ValueError: `largest` is less than the largest size of training.
    """
    number = task.max_size[axis]
    if largest < number:
        name = task.size_names[axis]
        raise ValueError(f"expected a {name} of at least {number}, the largest of training, not {largest}")
    numbers = [number]
    while numbers[-1] < largest:
        numbers.append(min(2 * numbers[-1], largest))
    return [(*task.max_size[:axis], number, *task.max_size[axis + 1 :]) for number in numbers]


def fit_memory(loaded: LoadedRun, size: Size) -> LoadedRun:
    """Give a model a memory that holds sequences of a size; one that is large enough stays as it is."""
    own, needed = loaded.config.model.options.get("memory_slots"), loaded.task.memory_needed(size)
    if own is None or needed is None or ROOM * needed <= own:
        return loaded
    return with_memory_slots(loaded, 2 ** (int(ROOM * needed) - 1).bit_length())


def verify(loaded: LoadedRun, sizes: Sequence[Size], *, sequences: int, seconds: float) -> Iterator[Verified]:
    """Try one size after the other until the model is wrong, or there is no more time.

    Args:
        loaded: A trained model.
        sizes: The sizes, from small to large.
        sequences: How many sequences of each size; they are the same for every model of the run's seed.
        seconds: A size after the first is not begun if, going by the one before, it would not be done within so many
            seconds of the start.
    """
    began, rate = time.perf_counter(), 0.0  # seconds for each time step and memory slot of a sequence
    for size in sizes:
        fitted = fit_memory(loaded, size)
        generator = make_generator(loaded.config.seed, Purpose.VERIFICATION, *size)
        batch = draw_batch_of_size(loaded.task, size, sequences, generator)
        work = batch.mask.numel() * (fitted.model.config.get("memory_slots") or 1)
        start = time.perf_counter()
        if rate and start - began + rate * work > seconds:
            return
        found = _try(fitted, size, batch)
        taken = time.perf_counter() - start
        rate = taken / work
        yield found._replace(seconds=taken)
        if found.errors:
            return


def draw_ending(ending: Ending, title: str) -> Figure:
    """Draw a model with a memory at work at the end of a sequence."""
    return plots.at_work(*ending, only_read=True, title=title)


@torch.no_grad()
def _try(loaded: LoadedRun, size: Size, batch: Batch) -> Verified:
    """Run a model on sequences of one size."""
    model, task = loaded.model, loaded.task
    inputs = model_inputs(model, task, batch).to(next(model.parameters()).device)
    start = max(len(inputs) - END_STEPS, 0)
    state, logits = None, []
    if start:
        outputs, state = model(inputs[:start])
        logits.append(outputs.cpu())
    ending = None
    if isinstance(model, MemoryModel):
        ending = _record_ending(loaded, batch, inputs, state, start)
    logits.append(model(inputs[start:], state)[0].cpu())
    found = torch.cat(logits)
    errors = task.count_errors(found, batch)
    return Verified(
        size=size,
        memory_slots=model.config.get("memory_slots"),
        sequences=len(errors),
        errors=round(float(errors.sum())),
        targets=round(float(task.count_targets(batch).sum())),
        first_error=_find_first_error(task, found, batch),
        seconds=0.0,
        ending=ending,
    )


def _record_ending(loaded: LoadedRun, batch: Batch, inputs: Tensor, state: Any, start: int) -> Ending:
    """Run the first sequence of a batch from a time step on, a few steps at a time, and record what is drawn."""
    model: Any = loaded.model
    state = None if state is None else type(state)(*(tensor[:1] for tensor in state))
    outputs, write, read = [], [], []
    for first in range(start, len(inputs), STEPS_AT_ONCE):
        traced, states = model.trace(inputs[first : first + STEPS_AT_ONCE, :1], state)
        outputs.append(traced[:, 0])
        write.append(states.write_weightings[:, 0])
        read.append(states.read_weightings[:, 0])
        state = type(states)(*(tensor[-1] for tensor in states))
    return Ending(
        loaded.task.input_channels(batch)[start:, 0].numpy(),
        loaded.task.probabilities(torch.cat(outputs).cpu().unsqueeze(1))[:, 0].numpy(),
        batch.mask[start:, 0].numpy(),
        torch.cat(write).cpu().numpy(),
        torch.cat(read).cpu().numpy(),
        state.memory[0].cpu().numpy(),
    )


def _find_first_error(task: Task, logits: Tensor, batch: Batch) -> FirstError | None:
    """Find the earliest time step at which a sequence is wrong, by halving: a task only counts a sequence's errors."""
    time_steps = torch.arange(len(logits)).unsqueeze(1)
    wrong = task.count_errors(logits, batch) > 0
    if not bool(wrong.any()):
        return None
    right, until = torch.zeros_like(batch.lengths), torch.full_like(batch.lengths, len(logits))
    while bool((until - right > 1).any()):
        middle = (right + until) // 2
        errors = task.count_errors(logits, batch._replace(mask=batch.mask & (time_steps < middle)))
        right, until = torch.where(errors > 0, right, middle), torch.where(errors > 0, middle, until)
    until[~wrong] = len(logits) + 1
    sequence = int(until.argmin())
    step = int(until[sequence])
    return FirstError(sequence + 1, step, int(batch.mask[:step, sequence].sum()))
