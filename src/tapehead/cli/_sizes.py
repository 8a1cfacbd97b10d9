"""Sizes of sequences on the command line, and memories that they fit into."""

from collections.abc import Mapping, Sequence

import numpy as np

from tapehead.cli._errors import CommandError, warn
from tapehead.experiments.evaluations import with_memory_slots
from tapehead.experiments.labels import count
from tapehead.tasks import Size, Task, spell_size
from tapehead.training.data import draw_batch_of_size
from tapehead.training.loaded_run import LoadedRun


def check_size(size: Size, task: Task, flag: str) -> Size:
    """Raise unless this is a size of the task's sequences."""
    if len(size) != len(task.size_names):
        expected = f"{'x'.join(map(str.upper, task.size_names))}, such as {spell_size(task.max_size)}"
        raise CommandError(f"{flag}: expected {expected}, not {spell_size(size)!r}")
    task.check_batch(draw_batch_of_size(task, size, 1, np.random.default_rng(0)), 1)
    return size


def choose_memory(loaded: LoadedRun, memory_slots: int | None, sizes: Sequence[Size]) -> LoadedRun:
    """Give a run's model the memory that was asked for, and warn of sequences that do not fit into it."""
    slots = loaded.model.config.get("memory_slots")
    if memory_slots is not None:
        if slots is None:
            raise CommandError(f"--memory-slots: the model {loaded.config.model.name} has no memory")
        slots = memory_slots
        loaded = with_memory_slots(loaded, slots)
    if slots is not None:
        warn_of_slots(slots, {size: loaded.task.memory_needed(size) or 0 for size in sizes})
    return loaded


def warn_of_slots(slots: int, needed: Mapping[Size, int]) -> None:
    """Warn of sequences that do not fit into a memory of so many slots; each size needs so many."""
    large = [size for size in needed if needed[size] > slots]
    if not large:
        return
    listed, most = ", ".join(map(spell_size, large)), max(needed.values())
    needs = f"size {listed} needs" if len(large) == 1 else f"sizes {listed} need up to"
    warn(
        f"{needs} {count(most, 'memory slot')}, one for each vector or symbol, and the model has "
        f"{count(slots, 'slot')}: try --memory-slots {2 ** most.bit_length()}"
    )
