"""Where the heads of a machine pointed, and what its memory held."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from tapehead.plots._page import (
    BLUE,
    ORANGE,
    READING,
    WRITING,
    Flags,
    Numbers,
    channels,
    colour_bar,
    heat,
    label,
    only,
    page,
)
from tapehead.plots._tape import number_slots, pointed_at, stretch


def weightings(write: Numbers, read: Numbers, *, title: str = "") -> Figure:
    """Draw where the heads pointed: memory slots by time steps, a panel for each head.

    The tape is cut to the shortest stretch that holds every slot ever given more than 0.05; the axis shows the true
    slot numbers.

    Args:
        write: Weightings of the write heads of one sequence, (T, H, N).
        read: Weightings of the read heads of the same sequence, (T, R, N).
        title: Said above the picture.
    """
    slots = pointed_at(write, read)
    heads = max(write.shape[1], read.shape[1])
    figure = page(0.6 + max(2.7, 1.4 * heads), title)
    panels = figure.subplots(heads, 2, squeeze=False)
    for column, (name, map_of, weights) in enumerate((("write", WRITING, write), ("read", READING, read))):
        for axes in panels[weights.shape[1] :, column]:
            axes.set_axis_off()
        last = weights.shape[1] - 1
        for head, axes in enumerate(panels[: last + 1, column]):
            image = heat(axes, weights[:, head, slots].T, map_of, (0, 1), first=slots[0])
            number_slots(axes, weights.shape[-1])
            across, down = "time step" if head == last else "", "memory slot" if column == 0 else ""
            label(axes, across, down, f"{name} head {head + 1}")
        colour_bar(figure, image, panels[:, column].tolist(), f"{name} weighting")
    return figure


def memory(moments: Mapping[str, Numbers], *, title: str = "") -> Figure:
    """Draw the memory of one sequence at a few moments, side by side on one colour scale.

    The tape is cut to the shortest stretch that holds everything above a twentieth of the largest content.

    Args:
        moments: The name of each moment, as "after the input", and the memory then, (N, W).
        title: Said above the picture.
    """
    sizes = np.abs(np.stack(list(moments.values()))).max(axis=(0, 2))
    largest = float(sizes.max()) or 1.0
    slots = stretch(sizes > largest / 20)
    figure = page(4.2, title)
    row = figure.subplots(1, len(moments), sharey=True, squeeze=False)[0]
    for axes, (name, moment) in zip(row, moments.items(), strict=True):
        image = heat(axes, moment[slots], "RdBu_r", (-largest, largest), first=slots[0])
        number_slots(axes, len(sizes))
        label(axes, "place in the slot", "memory slot" if axes is row[0] else "", name)
    colour_bar(figure, image, row.tolist(), "content")
    return figure


def at_work(
    inputs: Numbers, outputs: Numbers, scored: Flags, write: Numbers, read: Numbers, memory: Numbers, *, title: str = ""
) -> Figure:
    """Draw a whole machine at work on one sequence: its tape beside what its heads did and what went in and out.

    Slots are the same rows in all of it, time steps the same columns; heads of a kind lie on top of each other.

    Args:
        inputs: (T, I).
        outputs: Probabilities in [0, 1], (T, O).
        scored: Steps on which an output is due, (T,); the others are left grey.
        write: Weightings of the write heads, (T, H, N).
        read: Weightings of the read heads, (T, R, N).
        memory: The memory after the last step, (N, W).
        title: Said above the picture.
    """
    slots = pointed_at(write, read)
    figure = page(4.6, title)
    grid = figure.add_gridspec(3, 2, width_ratios=[5, 1.3], height_ratios=[1, 1, 5])
    heads = figure.add_subplot(grid[2, 0])
    tape = figure.add_subplot(grid[2, 1], sharey=heads)
    for row, (name, panel) in enumerate((("input", inputs), ("output", only(outputs, scored)))):
        axes = figure.add_subplot(grid[row, 0], sharex=heads)
        channels(axes, panel, name)
        axes.tick_params(labelbottom=False)
    heat(heads, _tint(write, read)[slots], None, (0, 1), first=slots[0])
    label(heads, "time step", "memory slot")
    number_slots(heads, memory.shape[0])
    heads.set_title("writing", loc="left", fontsize=8, color=ORANGE, fontweight="bold", pad=3)
    heads.set_title("reading", loc="right", fontsize=8, color=BLUE, fontweight="bold", pad=3)
    largest = float(np.abs(memory).max()) or 1.0
    image = heat(tape, memory[slots], "RdBu_r", (-largest, largest), first=slots[0])
    label(tape, "place in the slot", "", "memory at the end")
    tape.tick_params(labelleft=False)
    colour_bar(figure, image, [tape], "content")
    return figure


def _tint(write: Numbers, read: Numbers) -> Numbers:
    """Mix both kinds of weightings into one picture, slots by time steps by colour: white where no head points."""
    paper = np.ones((write.shape[-1], write.shape[0], 3))
    for weights, colour in ((write, ORANGE), (read, BLUE)):
        paper *= 1 - weights.max(axis=1).T[:, :, None] * (1 - np.array(to_rgb(colour)))
    return paper
