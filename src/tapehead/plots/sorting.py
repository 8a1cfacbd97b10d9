"""Where a model that sorts writes and reads: one sequence, beside what figure 18 of Graves et al. 2014 supposes."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tapehead.plots._page import ORANGE, READING, WRITING, Numbers, heat, label, page
from tapehead.plots._slots import Rows, find_used_slots


class Sorting(NamedTuple):
    """Where a model writes and reads items: one sequence of K items and J outputs, and shares of many.

    Attributes:
        fitted: The slot of each item by the line in the priority that fits best, in the order in which they come, (K,).
        write: The weighting of the write heads at each item, the largest of all heads, (K, N).
        read: The weighting of the read heads at each output, the largest of all heads, (J, N).
        targets: The slot that holds the target item of each output, (J,).
        by_priority: How much of the variance of the write locations the line explains, 0 to 1.
        by_time: How much of it a line in the time step explains.
        in_order: The share of outputs at which some read head is most of all at the slot of its target item.
    """

    fitted: Numbers
    write: Numbers
    read: Numbers
    targets: Numbers
    by_priority: float
    by_time: float
    in_order: float


def sorting(found: Sorting, *, title: str = "") -> Figure:
    """Draw write locations by a line in the priority, those observed, and the read locations with the target items.

    Args:
        found: Where a model writes and reads.
        title: The title above the picture.
    """
    write, read = found.write, found.read
    slots = find_used_slots(np.concatenate([write, read])[:, None])
    first, count = slots[0], write.shape[1]
    figure = page(3.4, title)
    left, middle, right = figure.subplots(1, 3, sharey=True)
    heat(left, np.zeros((len(slots), len(found.fitted))), WRITING, (0, 1), first=first)
    _mark(left, found.fitted, first, count, ORANGE)
    label(left, "item", "memory slot", f"a line in the priority: {found.by_priority:.0%} of variance")
    heat(middle, write[:, slots].T, WRITING, (0, 1), first=first)
    label(middle, "item", "", f"written: {found.by_time:.0%} of variance by time")
    heat(right, read[:, slots].T, READING, (0, 1), first=first)
    _mark(right, found.targets, first, count, ORANGE)
    label(right, "output", "", f"read: {found.in_order:.0%} at the target")
    Rows([*slots], count).number(left)
    return figure


def _mark(axes: Axes, where: Numbers, first: int, count: int, color: str) -> None:
    """Mark a slot at each time step; slots are numbered from the picture's first on, around the circle."""
    rows = (where - first) % count + first
    axes.scatter(np.arange(len(where)), rows, s=16, facecolors="none", edgecolors=color, linewidths=0.9)
