"""Learning curves: the errors and bits of the evaluations during training."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tapehead.plots._lines import ErrorBand, Lines, legend, plain, scale, styles
from tapehead.plots._page import PALE, Counts, Numbers, label, page


class Curve(NamedTuple):
    """The learning curve of one run: an array for each measure, with one entry per evaluation.

    Attributes:
        sequences: Training sequences seen before each evaluation.
        errors: Wrong bits or symbols per sequence.
        bits: Cross-entropy in bits per sequence.
        optimal_bits: The bits of the best possible predictions for the same sequences; None if they are 0.
    """

    sequences: Numbers | Counts
    errors: Numbers
    bits: Numbers
    optimal_bits: Numbers | None = None


def learning_curve(
    groups: Mapping[str, Sequence[Curve]],
    *,
    error_name: str = "bit errors",
    solved_below: float | None = None,
    title: str = "",
) -> Figure:
    """Plot errors and bits over the training sequences seen, with a line for each group of runs.

    The runs of a group differ only in the seed. Its line is their median, at the evaluations that all of them have, in
    a band from their smallest to their largest value; thin lines are the runs. Where values are small, the y axes are
    logarithmic above 0.01 and linear below, so that 0 errors are visible. If even the best possible predictions have
    a cross-entropy above 0, the bits above it are drawn instead of the errors, and `solved_below` is ignored.

    Args:
        groups: The runs of each group, by the group's name in the legend.
        error_name: The name of the errors, as "bit errors" or "symbol errors".
        solved_below: Errors per sequence below which the task counts as solved; drawn as a line. None: no line.
        title: The title of the figure.
    """
    figure = page(2.7, title)
    left, right = figure.subplots(1, 2)
    bits = _draw(right, groups, lambda run: run.bits, "bits per sequence")
    if any(run.optimal_bits is not None for runs in groups.values() for run in runs):
        scale(left, _draw(left, groups, lambda run: run.bits - _optimal(run), "bits above the optimum"))
        _draw_optimal(right, groups)
        plain(right)
    else:
        errors = _draw(left, groups, lambda run: run.errors, f"{error_name} per sequence")
        scale(right, bits)
        scale(left, errors, *([] if solved_below is None else [solved_below]))
        if solved_below is not None:
            _draw_solved(left, solved_below)
    legend(figure, right)
    return figure


def _draw(axes: Axes, groups: Mapping[str, Sequence[Curve]], measure: Callable[[Curve], Numbers], name: str) -> Lines:
    """Draw one measure of all groups, and return the lines of the single runs."""
    label(axes, "training sequences (thousands)", name)
    drawn = []
    for (group, runs), (dashes, color) in zip(groups.items(), styles(), strict=False):
        lines = [ErrorBand.exact(run.sequences / 1000, measure(run)) for run in runs]
        band = _summarize(lines)
        if len(runs) > 1:
            axes.fill_between(band.x, band.low, band.high, color=color, alpha=0.15, linewidth=0)
            for line in lines:
                axes.plot(line.x, line.middle, dashes, color=color, alpha=0.4, linewidth=0.5)
        axes.plot(band.x, band.middle, dashes, color=color, label=group, lw=1.3, marker="o", markersize=2.2)
        drawn += lines
    return drawn


def _optimal(run: Curve) -> Numbers:
    return np.zeros_like(run.bits) if run.optimal_bits is None else run.optimal_bits


def _summarize(lines: Lines) -> ErrorBand:
    """Take the median and the range of several runs at the x values that all of them have."""
    x = lines[0].x
    for line in lines[1:]:
        x = np.intersect1d(x, line.x)
    values = np.array([line.middle[np.isin(line.x, x)] for line in lines])
    return ErrorBand(x, np.median(values, axis=0), values.min(axis=0), values.max(axis=0))


def _draw_optimal(axes: Axes, groups: Mapping[str, Sequence[Curve]]) -> None:
    """Draw the bits of the best possible predictions, for each group on its own sequences."""
    for number, runs in enumerate(groups.values()):
        optimal = _summarize([ErrorBand.exact(run.sequences / 1000, _optimal(run)) for run in runs])
        name = "optimal" if number == 0 else None
        axes.plot(optimal.x, optimal.middle, "--", color=PALE, linewidth=0.9, label=name)


def _draw_solved(axes: Axes, solved_below: float) -> None:
    """Draw the line below which the task counts as solved."""
    axes.axhline(solved_below, color=PALE, linewidth=0.9, linestyle="--")
    axes.annotate(
        f"solved: below {solved_below:g}", (0, solved_below), xycoords=("axes fraction", "data"), xytext=(3, 3),
        textcoords="offset points", fontsize=7, color=PALE,
    )  # fmt: skip
