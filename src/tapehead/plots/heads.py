"""The weightings of the heads over time, and the content of the memory."""

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
    apply_mask,
    channels,
    color_bar,
    heat,
    label,
    page,
)
from tapehead.plots._slots import find_range, find_used_slots, number_slots


def weightings(write: Numbers, read: Numbers, *, title: str = "") -> Figure:
    """Draw the weightings of the heads: memory slots by time steps, a panel for each head.

    Only the shortest range of slots is shown that holds every slot that ever got more than 0.05; the axis has the
    true slot numbers.

    Args:
        write: Weightings of the write heads of one sequence, (T, H, N).
        read: Weightings of the read heads of the same sequence, (T, R, N).
        title: The title above the picture.
    """
    slots = find_used_slots(write, read)
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
        color_bar(figure, image, panels[:, column].tolist(), f"{name} weighting")
    return figure


def memory(moments: Mapping[str, Numbers], *, title: str = "") -> Figure:
    """Draw the memory of one sequence at a few time steps, side by side on one color scale.

    Only the shortest range of slots is shown that holds everything above a twentieth of the largest content.

    Args:
        moments: The name of each moment, as "after the input", and the memory at it, (N, W).
        title: The title above the picture.
    """
    sizes = np.abs(np.stack(list(moments.values()))).max(axis=(0, 2))
    largest = float(sizes.max()) or 1.0
    slots = find_range(sizes > largest / 20)
    figure = page(4.2, title)
    row = figure.subplots(1, len(moments), sharey=True, squeeze=False)[0]
    for axes, (name, moment) in zip(row, moments.items(), strict=True):
        image = heat(axes, moment[slots], "RdBu_r", (-largest, largest), first=slots[0])
        number_slots(axes, len(sizes))
        label(axes, "column", "memory slot" if axes is row[0] else "", name)
    color_bar(figure, image, row.tolist(), "content")
    return figure


def at_work(
    inputs: Numbers,
    outputs: Numbers,
    mask: Flags,
    write: Numbers,
    read: Numbers,
    memory: Numbers,
    *,
    only_read: bool = False,
    title: str = "",
) -> Figure:
    """Draw a model at work on one sequence: inputs, outputs, the weightings of its heads, and its memory at the end.

    Slots are the same rows and time steps the same columns everywhere; heads of the same kind are drawn into one panel.

    Args:
        inputs: (T, I).
        outputs: Probabilities in [0, 1], (T, O).
        mask: The time steps whose outputs count, (T,); the others are left gray.
        write: Weightings of the write heads, (T, H, N).
        read: Weightings of the read heads, (T, R, N).
        memory: The memory after the last step, (N, W).
        only_read: Show the slots that were read, and leave out those that were only written to, however far away.
        title: The title above the picture.
    """
    slots = find_used_slots(read) if only_read else find_used_slots(write, read)
    figure = page(4.6, title)
    grid = figure.add_gridspec(3, 2, width_ratios=[5, 1.3], height_ratios=[1, 1, 5])
    heads = figure.add_subplot(grid[2, 0])
    content = figure.add_subplot(grid[2, 1], sharey=heads)
    for row, (name, panel) in enumerate((("input", inputs), ("output", apply_mask(outputs, mask)))):
        axes = figure.add_subplot(grid[row, 0], sharex=heads)
        channels(axes, panel, name)
        axes.tick_params(labelbottom=False)
    heat(heads, _tint(write, read)[slots], None, (0, 1), first=slots[0])
    label(heads, "time step", "memory slot")
    number_slots(heads, memory.shape[0])
    heads.set_title("writing", loc="left", fontsize=8, color=ORANGE, fontweight="bold", pad=3)
    heads.set_title("reading", loc="right", fontsize=8, color=BLUE, fontweight="bold", pad=3)
    largest = float(np.abs(memory).max()) or 1.0
    image = heat(content, memory[slots], "RdBu_r", (-largest, largest), first=slots[0])
    label(content, "column", "", "memory at the end")
    content.tick_params(labelleft=False)
    color_bar(figure, image, [content], "content")
    return figure


def _tint(write: Numbers, read: Numbers) -> Numbers:
    """Mix both kinds of weightings into one picture, slots by time steps by color: white where all weights are 0."""
    paper = np.ones((write.shape[-1], write.shape[0], 3))
    for weights, color in ((write, ORANGE), (read, BLUE)):
        paper *= 1 - weights.max(axis=1).T[:, :, None] * (1 - np.array(to_rgb(color)))
    return paper
