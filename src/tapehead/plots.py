"""Pictures of a run and of the memory at work, drawn from recorded numbers only.

Every function takes arrays and gives back a figure that belongs to nobody: no window opens, no global state changes.
Time runs to the right and memory slots run downwards; writing is orange and reading is blue in all of them.
"""

from collections.abc import Mapping
from itertools import cycle, product
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.floating[Any]]
Counts: TypeAlias = NDArray[np.integer[Any]]
Flags: TypeAlias = NDArray[np.bool_]

WIDTH = 7.0
"""Inches: two columns of a paper."""
DOTS_PER_INCH = 200
POINTED_AT = 0.05
"""A slot counts as used where some head once gave it more weight than this."""
ROOM = 2
"""Slots shown on either side of the used ones."""
INK, PALE, BLANK = "#222222", "#8a8a8a", "#f2f2f2"
BLUE, ORANGE, *OTHERS = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"
"""Okabe and Ito's colours, which colour-blind readers can tell apart."""
WRITING = LinearSegmentedColormap.from_list("writing", ["white", "#f4a261", ORANGE, "#5c2600"])
READING = LinearSegmentedColormap.from_list("reading", ["white", "#6baed6", BLUE, "#002a47"])
WRONG = LinearSegmentedColormap.from_list("wrong", ["white", "#c00000"])


class Curve(NamedTuple):
    """What one run's evaluations measured, as training went on: three arrays of the same length.

    Attributes:
        sequences: Training sequences seen before each evaluation.
        bit_errors: Wrong bits per sequence.
        bits: Cross-entropy in bits per sequence.
    """

    sequences: Numbers | Counts
    bit_errors: Numbers
    bits: Numbers


def learning_curve(runs: Mapping[str, Curve], *, solved_below: float | None = None, title: str = "") -> Figure:
    """Draw both metrics against the training sequences seen, one line a run.

    The axes are logarithmic down to 0.01 and then linear down to 0, so that a run without errors can be seen.

    Args:
        runs: Each run's name, for the legend, and its evaluations.
        solved_below: Bit errors per sequence below which the task counts as solved; drawn as a line.
        title: Said above the picture.
    """
    figure = _figure(2.7, title)
    errors, bits = figure.subplots(1, 2)
    for axes, measured, metric in ((errors, 1, "bit errors per sequence"), (bits, 2, "bits per sequence")):
        lines = cycle(product(["-", "--"], [BLUE, ORANGE, *OTHERS]))
        for (name, curve), (dashes, colour) in zip(runs.items(), lines, strict=False):
            thousands = np.asarray(curve.sequences) / 1000
            axes.plot(thousands, curve[measured], dashes, color=colour, label=name, lw=1.3, marker="o", markersize=2.2)
        _label(axes, "training sequences (thousands)", metric)
        axes.set_yscale("symlog", linthresh=0.01, linscale=0.4)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color="#e5e5e5", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    if solved_below is not None:
        errors.axhline(solved_below, color=PALE, linewidth=0.9, linestyle="--")
        errors.annotate(
            f"solved: below {solved_below:g}", (1, solved_below), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", ha="right", fontsize=7, color=PALE,
        )  # fmt: skip
    if len(runs) > 1:
        bits.legend(frameon=False, fontsize=7)
    return figure


def example(inputs: Numbers, outputs: Numbers, targets: Numbers, scored: Flags, *, title: str = "") -> Figure:
    """Draw one sequence: what went in, what was due, what came out, and which bits are wrong.

    Args:
        inputs: (T, I).
        outputs: Probabilities in [0, 1], not logits, (T, O).
        targets: (T, O).
        scored: Steps on which the targets are due, (T,); the others are left grey.
        title: Said above the picture.
    """
    wrong = ((outputs > 0.5) != (targets > 0.5)).astype(np.float64)
    panels: tuple[tuple[str, Numbers, str | Colormap], ...] = (
        ("input", inputs, "Greys"),
        ("target", _only(targets, scored), "Greys"),
        ("output", _only(outputs, scored), "Greys"),
        (f"wrong bits: {int(wrong[scored].sum()) or 'none'}", _only(wrong, scored), WRONG),
    )
    channels = [panel.shape[1] for _, panel, _ in panels]
    figure = _figure(1.6 + 0.06 * sum(channels), title)
    rows = figure.subplots(4, 1, sharex=True, height_ratios=channels)
    for axes, (name, panel, colours) in zip(rows, panels, strict=True):
        _heat(axes, panel.T, colours, (0, 1))
        _label(axes, "", "channel", name)
    rows[-1].set_xlabel("time step", fontsize=8)
    return figure


def weightings(write: Numbers, read: Numbers, *, title: str = "") -> Figure:
    """Draw where the heads pointed: memory slots by time steps, a panel for each head.

    The tape is cut to the shortest stretch that holds every slot ever given more than 0.05; the axis shows the true
    slot numbers.

    Args:
        write: Weightings of the write heads of one sequence, (T, H, N).
        read: Weightings of the read heads of the same sequence, (T, R, N).
        title: Said above the picture.
    """
    slots = _pointed_at(write, read)
    heads = max(write.shape[1], read.shape[1])
    figure = _figure(0.6 + 2.7 * heads, title)
    panels = figure.subplots(heads, 2, squeeze=False)
    for column, (name, map_of, weights) in enumerate((("write", WRITING, write), ("read", READING, read))):
        for axes in panels[weights.shape[1] :, column]:
            axes.set_axis_off()
        for head, axes in enumerate(panels[: weights.shape[1], column]):
            image = _heat(axes, weights[:, head, slots].T, map_of, (0, 1), first=slots[0])
            _number_slots(axes, weights.shape[-1])
            _label(axes, "time step", "memory slot" if column == 0 else "", f"{name} head {head + 1}")
        _colour_bar(figure, image, panels[:, column].tolist(), f"{name} weighting")
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
    slots = _stretch(sizes > largest / 20)
    figure = _figure(4.2, title)
    row = figure.subplots(1, len(moments), sharey=True, squeeze=False)[0]
    for axes, (name, moment) in zip(row, moments.items(), strict=True):
        image = _heat(axes, moment[slots], "RdBu_r", (-largest, largest), first=slots[0])
        _number_slots(axes, len(sizes))
        _label(axes, "place in the slot", "memory slot" if axes is row[0] else "", name)
    _colour_bar(figure, image, row.tolist(), "content")
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
    slots = _pointed_at(write, read)
    figure = _figure(4.6, title)
    grid = figure.add_gridspec(3, 2, width_ratios=[5, 1.3], height_ratios=[1, 1, 5])
    heads = figure.add_subplot(grid[2, 0])
    tape = figure.add_subplot(grid[2, 1], sharey=heads)
    for row, (name, panel) in enumerate((("input", inputs), ("output", _only(outputs, scored)))):
        axes = figure.add_subplot(grid[row, 0], sharex=heads)
        _heat(axes, panel.T, "Greys", (0, 1))
        _label(axes, "", "channel", name)
        axes.tick_params(labelbottom=False)
    _heat(heads, _tint(write, read)[slots], None, (0, 1), first=slots[0])
    _label(heads, "time step", "memory slot")
    _number_slots(heads, memory.shape[0])
    heads.set_title("writing", loc="left", fontsize=8, color=ORANGE, fontweight="bold", pad=3)
    heads.set_title("reading", loc="right", fontsize=8, color=BLUE, fontweight="bold", pad=3)
    largest = float(np.abs(memory).max()) or 1.0
    image = _heat(tape, memory[slots], "RdBu_r", (-largest, largest), first=slots[0])
    _label(tape, "place in the slot", "", "memory at the end")
    tape.tick_params(labelleft=False)
    _colour_bar(figure, image, [tape], "content")
    return figure


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and as SVG, and give back the paths written.

    The files depend on the figure alone: no date and no random names in them, so drawing again gives the same bytes.

    Args:
        figure: What to write.
        stem: Path without a suffix; its folder is made where it is missing.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    png, svg = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "svg"))
    figure.savefig(png, dpi=DOTS_PER_INCH, metadata={"Software": None})
    with mpl.rc_context({"svg.hashsalt": "tapehead", "svg.fonttype": "none"}):
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
    return [png, svg]


def _figure(height: float, title: str) -> Figure:
    """Start a page of the house's width, in inches, with a title where there is one."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor="white")
    figure.suptitle(title, fontsize=9, color=INK, x=0.01, ha="left", fontweight="bold")
    return figure


def _label(axes: Axes, across: str, down: str, name: str = "") -> None:
    """Name a panel and both its axes, and make numbers and lines fine enough for a column of text."""
    axes.set_title(name, loc="left", fontsize=8, color=INK, pad=3)
    axes.set_xlabel(across, fontsize=8, color=INK)
    axes.set_ylabel(down, fontsize=8, color=INK)
    axes.tick_params(labelsize=7, width=0.6, length=2.5, color=PALE, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color=PALE)


def _heat(
    axes: Axes, picture: Numbers, colours: str | Colormap | None, limits: tuple[float, float], first: int = 0
) -> AxesImage:
    """Paint a matrix, rows downwards from `first` on; cells are drawn sharp unless they are finer than the page."""
    rows, columns = picture.shape[:2]
    axes.set_facecolor(BLANK)
    for axis, ticks in ((axes.xaxis, 8 if columns > 24 else 4), (axes.yaxis, 8 if rows > 12 else 2)):
        axis.set_major_locator(MaxNLocator(ticks, integer=True, steps=[1, 2, 5, 10]))
    return axes.imshow(
        picture, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto",
        interpolation="none" if max(rows, columns) < WIDTH * DOTS_PER_INCH / 2 else "auto",
        extent=(-0.5, columns - 0.5, first + rows - 0.5, first - 0.5),
    )  # fmt: skip


def _colour_bar(figure: Figure, image: AxesImage, beside: list[Axes], meaning: str) -> None:
    """Say beside some panels what their colours mean."""
    bar = figure.colorbar(image, ax=beside, fraction=0.05, pad=0.02, aspect=30)
    _label(bar.ax, "", meaning)
    bar.locator = MaxNLocator(5)
    bar.outline.set_visible(False)


def _only(picture: Numbers, scored: Flags) -> Numbers:
    """Leave out the steps on which nothing is due."""
    return np.where(scored[:, None], picture, np.nan)


def _pointed_at(write: Numbers, read: Numbers) -> list[int]:
    """Find the stretch of the tape that the heads used."""
    return _stretch(np.concatenate([write, read], axis=1).max(axis=(0, 1)) > POINTED_AT)


def _stretch(used: Flags) -> list[int]:
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


def _number_slots(axes: Axes, slots: int) -> None:
    """Write the true numbers of slots on an axis that may begin before slot 0."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda position, _: f"{round(position) % slots}"))


def _tint(write: Numbers, read: Numbers) -> Numbers:
    """Mix both kinds of weightings into one picture, slots by time steps by colour: white where no head points."""
    paper = np.ones((write.shape[-1], write.shape[0], 3))
    for weights, colour in ((write, ORANGE), (read, BLUE)):
        paper *= 1 - weights.max(axis=1).T[:, :, None] * (1 - np.array(to_rgb(colour)))
    return paper
