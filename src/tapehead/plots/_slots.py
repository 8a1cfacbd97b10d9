"""Which range of memory slots a picture shows, and under which numbers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from tapehead.plots._page import Flags, Numbers

USED_ABOVE = 0.05
"""A slot counts as used if some head gave it more weight than this at some step."""
MARGIN = 2
"""Slots shown on either side of the used ones."""


def find_used_slots(*weightings: Numbers) -> list[int]:
    """Find the range of slots that some heads used; each weighting is (T, heads, N)."""
    return find_range(np.concatenate(weightings, axis=1).max(axis=(0, 1)) > USED_ABOVE)


def find_range(used: Flags) -> list[int]:
    """Find the shortest range of slots, on a circle, that holds every used slot, with a small margin.

    Slots before slot 0 have negative numbers, which index an array as well.
    """
    slots = len(used)
    where = np.flatnonzero(used)
    if len(where) == 0:
        return list(range(slots))
    gaps = np.diff(where, append=where[0] + slots)
    widest = int(gaps.argmax())
    count = slots - int(gaps[widest]) + 1 + 2 * MARGIN
    if count >= slots:
        return list(range(slots))
    first = int(where[(widest + 1) % len(where)]) - MARGIN
    if first + count > slots:
        first -= slots
    return list(range(first, first + count))


def number_slots(axes: Axes, slots: int, *, across: bool = False) -> None:
    """Label an axis with slot numbers modulo N, since it may begin before slot 0."""
    axis = axes.xaxis if across else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda position, _: f"{round(position) % slots}"))
