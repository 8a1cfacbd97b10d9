"""How a trained model sorts: whether it writes where a priority says, as Graves et al. 2014 found, or as items come."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tapehead.models.memory_model import MemoryModel
from tapehead.plots import Sorting
from tapehead.tasks import PrioritySort
from tapehead.training.data import Purpose, draw_batch_of_size, make_generator
from tapehead.training.loaded_run import LoadedRun

Numbers: TypeAlias = NDArray[np.floating[Any]]
SEQUENCES = 64


def look_at_sorting(loaded: LoadedRun, task: PrioritySort, items: int) -> Sorting:
    """Let a model sort sequences, and fit lines to the slots that it writes to: of the write head that is the sharpest.

    Locations are taken around the circle of slots, from their mean direction on: lines say little where writes go
    around most of it.

    Args:
        loaded: A trained model with a memory.
        task: Its task.
        items: How many are sorted.

    Raises:
        TypeError: The model has no memory.
    """
    if not isinstance(loaded.model, MemoryModel):
        raise TypeError(f"expected a model with a memory, not {type(loaded.model).__name__}")
    batch = draw_batch_of_size(task, (items,), SEQUENCES, make_generator(loaded.config.seed, Purpose.PICTURE))
    inputs = task.input_channels(batch)
    states: Any = loaded.model.trace(inputs.to(next(loaded.model.parameters()).device)).states
    outputs = int(batch.mask[:, 0].sum())
    writes = states.write_weightings[:items].cpu().double().numpy()
    reads = states.read_weightings[-outputs:].cpu().double().numpy()
    head = int(writes.max(axis=-1).mean(axis=(0, 1)).argmax())
    located, mean = _locate(writes[:, :, head])
    priorities = inputs[:items, :, task.bits].double().numpy()
    times = np.broadcast_to(np.arange(float(items))[:, None], located.shape)
    line, by_priority = _fit(priorities, located)
    order = np.argsort(-priorities, axis=0, kind="stable")[:outputs]
    written = writes[:, :, head].argmax(axis=-1)
    target_slots = np.take_along_axis(written, order, axis=0)
    at_target = (reads.argmax(axis=-1) == target_slots[:, :, None]).any(axis=-1)
    slots = writes.shape[-1]
    return Sorting(
        by_priority=by_priority,
        by_time=_fit(times, located)[1],
        in_order=float(at_target.mean()),
        fitted=np.round(line[:, 0] + mean) % slots,
        write=writes[:, 0].max(axis=1),
        read=reads[:, 0].max(axis=1),
        targets=target_slots[:, 0].astype(float),
    )


def _locate(weightings: Numbers) -> tuple[Numbers, float]:
    """Give the mean slot of each weighting, (..., N), counted from the mean of all; and that."""
    slots = weightings.shape[-1]
    around = np.exp(2j * np.pi * np.arange(slots) / slots)
    directions = weightings @ around
    mean = np.angle((directions / np.abs(directions).clip(1e-12)).sum())
    return np.angle(directions * np.exp(-1j * mean)) * slots / (2 * np.pi), float(mean * slots / (2 * np.pi))


def _fit(known: Numbers, located: Numbers) -> tuple[Numbers, float]:
    """Fit a line; give its values, and how much of the variance it explains."""
    apart = known - known.mean()
    slope = float((apart * located).sum()) / max(float((apart**2).sum()), 1e-12)
    line = located.mean() + slope * apart
    total = float(located.var())
    return line, 1 - float(((located - line) ** 2).mean()) / total if total > 0 else 0.0
