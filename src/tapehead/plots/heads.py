"""The weightings of the heads over time, and the content of the memory."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from tapehead.plots._page import (
    BLANK,
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
from tapehead.plots._slots import WEIGHTING_POWER, choose_rows, draw_weighting, find_rows


def weightings(write: Numbers, read: Numbers, *, title: str = "") -> Figure:
    """Draw the weightings of the heads: memory slots by time steps, a panel for each head.

    Only the shortest range of slots is shown that holds every slot that ever got more than 0.05, with a gray row in
    place of a long stretch of others; the axis has the true slot numbers. Colors follow the square root, so that weak
    weights are seen.

    Args:
        write: Weightings of the write heads of one sequence, (T, H, N).
        read: Weightings of the read heads of the same sequence, (T, R, N).
        title: The title above the picture.
    """
    rows = find_rows(write, read)
    figure = page(0.6 + max(2.7, 1.4 * max(write.shape[1], read.shape[1])), title)
    left, right = figure.subfigures(1, 2, squeeze=False)[0]
    for column, name, colors, weights in ((left, "write", WRITING, write), (right, "read", READING, read)):
        panels = column.subplots(weights.shape[1], 1, sharex=True, squeeze=False)[:, 0]
        for head, axes in enumerate(panels):
            image = draw_weighting(axes, weights[:, head], rows, colors)
            label(axes, "time step" if axes is panels[-1] else "", "memory slot", f"{name} head {head + 1}")
        color_bar(column, image, panels.tolist(), f"{name} weighting")
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
    rows = choose_rows(sizes > largest / 20)
    figure = page(4.2, title)
    row = figure.subplots(1, len(moments), sharey=True, squeeze=False)[0]
    for axes, (name, moment) in zip(row, moments.items(), strict=True):
        image = heat(axes, rows.pick(moment), "RdBu_r", (-largest, largest), first=rows.first)
        rows.number(axes)
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
    rows = find_rows(read) if only_read else find_rows(write, read)
    figure = page(4.6, title)
    grid = figure.add_gridspec(3, 2, width_ratios=[5, 1.3], height_ratios=[1, 1, 5])
    heads = figure.add_subplot(grid[2, 0])
    content = figure.add_subplot(grid[2, 1], sharey=heads)
    for row, (name, panel) in enumerate((("input", inputs), ("output", apply_mask(outputs, mask)))):
        axes = figure.add_subplot(grid[row, 0], sharex=heads)
        channels(axes, panel, name)
        axes.tick_params(labelbottom=False)
    heat(heads, rows.pick(_tint(write, read), blank=to_rgb(BLANK)[0]), None, (0, 1), first=rows.first)
    label(heads, "time step", "memory slot")
    rows.number(heads)
    heads.set_title("writing", loc="left", fontsize=8, color=ORANGE, fontweight="bold", pad=3)
    heads.set_title("reading", loc="right", fontsize=8, color=BLUE, fontweight="bold", pad=3)
    largest = float(np.abs(memory).max()) or 1.0
    image = heat(content, rows.pick(memory), "RdBu_r", (-largest, largest), first=rows.first)
    label(content, "column", "", "memory at the end")
    content.tick_params(labelleft=False)
    color_bar(figure, image, [content], "content")
    return figure


def _tint(write: Numbers, read: Numbers) -> Numbers:
    """Mix both kinds of weightings into one picture, slots by time steps by color: white where all weights are 0."""
    paper = np.ones((write.shape[-1], write.shape[0], 3))
    for weights, color in ((write, ORANGE), (read, BLUE)):
        paper *= 1 - weights.max(axis=1).T[:, :, None] ** WEIGHTING_POWER * (1 - np.array(to_rgb(color)))
    return paper
