"""Which stretch of the tape a picture shows, and under which numbers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from tapehead.plots._page import Flags, Numbers

POINTED_AT = 0.05
"""A slot counts as used where some head once gave it more weight than this."""
ROOM = 2
"""Slots shown on either side of the used ones."""


def pointed_at(*weightings: Numbers) -> list[int]:
    """Find the stretch of the tape that some heads used; each of these is (T, heads, N)."""
    return stretch(np.concatenate(weightings, axis=1).max(axis=(0, 1)) > POINTED_AT)


def stretch(used: Flags) -> list[int]:
    """Find the shortest stretch of the circular tape that holds every used slot, with a little room around it.

    Slots before slot 0 have negative numbers, which index an array just as well.
    """
    slots = len(used)
    where = np.flatnonzero(used)
    if len(where) == 0:
        return list(range(slots))
    gaps = np.diff(where, append=where[0] + slots)
    widest = int(gaps.argmax())
    count = slots - int(gaps[widest]) + 1 + 2 * ROOM
    if count >= slots:
        return list(range(slots))
    first = int(where[(widest + 1) % len(where)]) - ROOM
    if first + count > slots:
        first -= slots
    return list(range(first, first + count))


def number_slots(axes: Axes, slots: int, *, across: bool = False) -> None:
    """Write the true numbers of slots on an axis that may begin before slot 0."""
    axis = axes.xaxis if across else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda position, _: f"{round(position) % slots}"))
