"""How a Differentiable Neural Computer keeps account of its memory: what is free, and what was written after what."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from tapehead.plots._page import READING, WRITING, Numbers, colour_bar, heat, label, page, strips
from tapehead.plots._tape import number_slots, pointed_at


class Bookkeeping(NamedTuple):
    """What a machine with R read heads and H write heads decided in T steps, all of it in [0, 1].

    Attributes:
        usage: How far each slot is in use, (T, N).
        allocation: Where each write head would allocate, (T, H, N).
        write: Where it wrote, (T, H, N).
        read: Where each read head read, (T, R, N).
        free_gates: How far each read head freed what it had read, (T, R).
        allocation_gates: How far each write head wrote where it was offered room rather than by content, (T, H).
        write_gates: How far it wrote at all, (T, H).
        read_modes: How far each read head went backward along the links of each write head, by content, and forward
            along those of each, (T, R, 2 H + 1).
    """

    usage: Numbers
    allocation: Numbers
    write: Numbers
    read: Numbers
    free_gates: Numbers
    allocation_gates: Numbers
    write_gates: Numbers
    read_modes: Numbers


def allocation(kept: Bookkeeping, *, title: str = "") -> Figure:
    """Draw which slots were in use, which were offered for writing, and how the gates stood: a step a column.

    Slots are cut as in `weightings`.

    Args:
        kept: What the machine decided on one sequence.
        title: Said above the picture.
    """
    slots, heads = pointed_at(kept.write, kept.read), kept.allocation.shape[1]
    gates, names = _gates(kept)
    figure = page(2.1 + 1.1 * heads + 0.13 * len(names), title)
    rows = figure.subplots(heads + 2, 1, sharex=True, height_ratios=[1.5, *[1.3] * heads, 0.13 * len(names)])
    offers = ["allocation" + _numbered(f" for write head {head + 1}", heads) for head in range(heads)]
    maps = {"usage": kept.usage} | {name: kept.allocation[:, head] for head, name in enumerate(offers)}
    for axes, (name, weights) in zip(rows[:-1], maps.items(), strict=True):
        image = heat(axes, weights[:, slots].T, "Greys" if name == "usage" else WRITING, (0, 1), first=slots[0])
        number_slots(axes, kept.usage.shape[-1])
        label(axes, "", "memory slot", name)
        if axes is rows[0]:
            colour_bar(figure, image, [axes], "usage")
    colour_bar(figure, image, rows[1:-1].tolist(), "allocation")
    strips(rows[-1], gates, names, "gate", "open")
    return figure


def links(moments: Mapping[str, Numbers], kept: Bookkeeping, *, title: str = "") -> Figure:
    """Draw which slot was written to after which, at a few moments, and how the read heads followed that.

    A link is dark where the slot of its row was written to right after the slot of its column. Slots are cut to those
    that some head wrote to.

    Args:
        moments: The name of each moment, and the links of all write heads then, (H, N, N).
        kept: What the machine decided on the same sequence.
        title: Said above the picture.
    """
    slots, heads = pointed_at(kept.write), kept.write.shape[1]
    modes, names = _modes(kept)
    figure = page(1.1 + 2.8 * heads + 0.13 * len(names), title)
    ratios = [0.4 + 2.8 * heads, 0.7 + 0.13 * len(names)]
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=ratios)[:, 0]
    panels = above.subplots(heads, len(moments), squeeze=False)
    for head, row in enumerate(panels):
        for axes, (name, linked) in zip(row, moments.items(), strict=True):
            image = heat(axes, linked[head][np.ix_(slots, slots)], READING, (0, 1), first=slots[0])
            axes.set_aspect("equal")
            image.set_extent((slots[0] - 0.5, slots[-1] + 0.5, slots[-1] + 0.5, slots[0] - 0.5))
            number_slots(axes, linked.shape[-1])
            number_slots(axes, linked.shape[-1], across=True)
            written = "slot written to" + _numbered(f" by head {head + 1}", heads)
            label(axes, "right after slot", written if axes is row[0] else "", name if head == 0 else "")
    colour_bar(above, image, panels.ravel().tolist(), "link")
    strips(below.subplots(), modes, names, "read mode", "no other")
    return figure


def _gates(kept: Bookkeeping) -> tuple[Numbers, list[str]]:
    """List every gate over time, (T, gates), and its name."""
    groups = {"write": kept.write_gates, "allocation": kept.allocation_gates, "free": kept.free_gates}
    names = [
        name + _numbered(f" {head + 1}", gates.shape[1])
        for name, gates in groups.items()
        for head in range(gates.shape[1])
    ]
    return np.concatenate(list(groups.values()), axis=1), names


def _modes(kept: Bookkeeping) -> tuple[Numbers, list[str]]:
    """List every read mode over time, (T, R (2 H + 1)), and its name."""
    reads, writes = kept.read.shape[1], kept.write.shape[1]
    along = [_numbered(f" {head + 1}", writes) for head in range(writes)]
    ways = [*(f"backward{head}" for head in along), "content", *(f"forward{head}" for head in along)]
    names = [_numbered(f"head {head + 1}: ", reads) + way for head in range(reads) for way in ways]
    return kept.read_modes.reshape(len(kept.read_modes), -1), names


def _numbered(number: str, count: int) -> str:
    """Leave a number out where there is only one."""
    return number if count > 1 else ""
