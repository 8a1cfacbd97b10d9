"""Which memory slots a picture shows, and under which numbers."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter

from tapehead.plots._page import Flags, Numbers, heat

USED_ABOVE = 0.05
"""A slot counts as used if some head gave it more weight than this at some step."""
MARGIN = 2
"""Slots shown on either side of the used ones."""
LONGEST_UNUSED = 12
"""A longer stretch of slots that no head used is left out."""
TICKS = 8
"""Slots of a picture with a number, about."""
WEIGHTING_POWER = 0.5
"""Weightings are shown by this power, so that weak ones are seen as well."""


class Rows(NamedTuple):
    """The rows of a picture of memory slots, from top to bottom.

    Attributes:
        slots: The slot of each row, those before slot 0 negative; None: a row that stands for slots that are left out.
        total: How many slots there are, N.
    """

    slots: list[int | None]
    total: int

    @property
    def first(self) -> int:
        """The number of the first row on the axis: a slot's, unless some are left out."""
        first = self.slots[0]
        return 0 if first is None or None in self.slots else first

    def pick(self, values: Numbers, blank: float = np.nan) -> Numbers:
        """Choose the rows from values of all slots, (N, ...); where slots are left out they are blank."""
        picked = values[[slot or 0 for slot in self.slots]].astype(np.float64)
        picked[[slot is None for slot in self.slots]] = blank
        return picked

    def number(self, axes: Axes, *, across: bool = False) -> None:
        """Label an axis with slot numbers modulo N, since it may begin before slot 0."""
        axis = axes.xaxis if across else axes.yaxis
        axis.set_major_formatter(FuncFormatter(self._name))
        if None in self.slots:
            step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, self.total) if self._fits(step))
            axis.set_ticks([row for row, slot in enumerate(self.slots) if slot is not None and slot % step == 0])

    def _fits(self, step: int) -> bool:
        return sum(slot is not None and slot % step == 0 for slot in self.slots) <= TICKS

    def _name(self, position: float, _: object) -> str:
        row = round(position) - self.first
        slot = self.slots[row] if 0 <= row < len(self.slots) else round(position)
        return "" if slot is None else f"{slot % self.total}"


def find_rows(*weightings: Numbers) -> Rows:
    """Find the rows of a picture of all slots that some heads used; each weighting is (T, heads, N)."""
    return choose_rows(find_used(*weightings))


def choose_rows(used: Flags) -> Rows:
    """Choose the range of used slots, without long stretches of others."""
    slots = np.array(find_range(used))
    place, where = np.arange(len(slots)), np.flatnonzero(used[slots])
    if len(where) == 0:
        return Rows(slots.tolist(), len(used))
    before = where[np.maximum(np.searchsorted(where, place, "right") - 1, 0)]
    after = where[np.minimum(np.searchsorted(where, place), len(where) - 1)]
    near = np.minimum(abs(place - before), abs(after - place)) <= MARGIN
    shown: list[int | None] = []
    for slot, is_shown in zip(slots.tolist(), near | (after - before - 1 <= LONGEST_UNUSED), strict=True):
        if is_shown:
            shown.append(slot)
        elif shown[-1] is not None:
            shown.append(None)
    return Rows(shown, len(used))


def draw_weighting(axes: Axes, weights: Numbers, rows: Rows, colors: str | Colormap) -> AxesImage:
    """Draw a weighting, (T, N), over time, weak weights stronger than they are."""
    image = heat(axes, rows.pick(weights.T), colors, (0, 1), first=rows.first, power=WEIGHTING_POWER)
    rows.number(axes)
    return image


def find_used(*weightings: Numbers) -> Flags:
    """Find which slots some heads used; each weighting is (T, heads, N)."""
    used: Flags = np.concatenate(weightings, axis=1).max(axis=(0, 1)) > USED_ABOVE
    return used


def find_used_slots(*weightings: Numbers) -> list[int]:
    """Find the range of slots that some heads used; each weighting is (T, heads, N)."""
    return find_range(find_used(*weightings))


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
