"""How a Differentiable Neural Computer manages its memory: which slots are free, and which was written after which."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from tapehead.plots._page import READING, WRITING, Numbers, color_bar, heat, label, page, strips
from tapehead.plots._slots import draw_weighting, find_rows


class Bookkeeping(NamedTuple):
    """What a model with R read heads and H write heads did with its memory in T time steps, all in [0, 1].

    Attributes:
        usage: The usage of each slot, (T, N).
        allocation: The allocation weighting of each write head, (T, H, N).
        write: The weighting of each write head, (T, H, N).
        read: The weighting of each read head, (T, R, N).
        free_gates: The free gate of each read head, (T, R).
        allocation_gates: The allocation gate of each write head: allocated slots (1) or slots by content (0), (T, H).
        write_gates: The write gate of each write head, (T, H).
        read_modes: The read modes of each read head: backward along the links of each write head, by content, and
            forward along those of each, (T, R, 2 H + 1).
    """

    usage: Numbers
    allocation: Numbers
    write: Numbers
    read: Numbers
    free_gates: Numbers
    allocation_gates: Numbers
    write_gates: Numbers
    read_modes: Numbers


def allocation(bookkeeping: Bookkeeping, *, title: str = "") -> Figure:
    """Draw which slots were in use, which were allocated for writing, and the gates: one column for each time step.

    The slots shown are as in `weightings`.

    Args:
        bookkeeping: What the model did on one sequence.
        title: The title above the picture.
    """
    shown, heads = find_rows(bookkeeping.write, bookkeeping.read), bookkeeping.allocation.shape[1]
    gates, names = _gates(bookkeeping)
    figure = page(2.1 + 1.1 * heads + 0.13 * len(names), title)
    rows = figure.subplots(heads + 2, 1, sharex=True, height_ratios=[1.5, *[1.3] * heads, 0.13 * len(names)])
    names_of_maps = ["allocation" + _numbered(f" for write head {head + 1}", heads) for head in range(heads)]
    maps = {"usage": bookkeeping.usage} | {
        name: bookkeeping.allocation[:, head] for head, name in enumerate(names_of_maps)
    }
    for axes, (name, weights) in zip(rows[:-1], maps.items(), strict=True):
        image = draw_weighting(axes, weights, shown, "Greys" if name == "usage" else WRITING)
        label(axes, "", "memory slot", name)
        if axes is rows[0]:
            color_bar(figure, image, [axes], "usage")
    color_bar(figure, image, rows[1:-1].tolist(), "allocation")
    strips(rows[-1], gates, names, "gate", "open")
    return figure


def links(moments: Mapping[str, Numbers], bookkeeping: Bookkeeping, *, title: str = "") -> Figure:
    """Draw which slot was written to after which, at a few time steps, and the modes of the read heads.

    A link is dark where the slot of its row was written to right after the slot of its column. Only slots that some
    head wrote to are shown.

    Args:
        moments: The name of each moment, and the links of all write heads at it, (H, N, N).
        bookkeeping: What the model did on the same sequence.
        title: The title above the picture.
    """
    shown, heads = find_rows(bookkeeping.write), bookkeeping.write.shape[1]
    modes, names = _modes(bookkeeping)
    figure = page(1.1 + 2.8 * heads + 0.13 * len(names), title)
    ratios = [0.4 + 2.8 * heads, 0.7 + 0.13 * len(names)]
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=ratios)[:, 0]
    panels = above.subplots(heads, len(moments), squeeze=False)
    for head, row in enumerate(panels):
        for axes, (name, link) in zip(row, moments.items(), strict=True):
            image = heat(axes, shown.pick(shown.pick(link[head]).T).T, READING, (0, 1), first=shown.first)
            axes.set_aspect("equal")
            low, high = shown.first - 0.5, shown.first + len(shown.slots) - 0.5
            image.set_extent((low, high, high, low))
            shown.number(axes)
            shown.number(axes, across=True)
            written = "slot written to" + _numbered(f" by head {head + 1}", heads)
            label(axes, "right after slot", written if axes is row[0] else "", name if head == 0 else "")
    color_bar(above, image, panels.ravel().tolist(), "link")
    strips(below.subplots(), modes, names, "read mode", "no other")
    return figure


def _gates(bookkeeping: Bookkeeping) -> tuple[Numbers, list[str]]:
    """List every gate over time, (T, gates), and its name."""
    groups = {
        "write": bookkeeping.write_gates,
        "allocation": bookkeeping.allocation_gates,
        "free": bookkeeping.free_gates,
    }
    names = [
        name + _numbered(f" {head + 1}", gates.shape[1])
        for name, gates in groups.items()
        for head in range(gates.shape[1])
    ]
    return np.concatenate(list(groups.values()), axis=1), names


def _modes(bookkeeping: Bookkeeping) -> tuple[Numbers, list[str]]:
    """List every read mode over time, (T, R (2 H + 1)), and its name."""
    reads, writes = bookkeeping.read.shape[1], bookkeeping.write.shape[1]
    along = [_numbered(f" {head + 1}", writes) for head in range(writes)]
    mode_names = [*(f"backward{head}" for head in along), "content", *(f"forward{head}" for head in along)]
    names = [_numbered(f"head {head + 1}: ", reads) + mode for head in range(reads) for mode in mode_names]
    return bookkeeping.read_modes.reshape(len(bookkeeping.read_modes), -1), names


def _numbered(number: str, count: int) -> str:
    """Leave a number out where there is only one head."""
    return number if count > 1 else ""
