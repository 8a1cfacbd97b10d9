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
        loss: The mean loss of the training steps since the evaluation before; None: not known.
    """

    sequences: Numbers | Counts
    errors: Numbers
    bits: Numbers
    optimal_bits: Numbers | None = None
    loss: Numbers | None = None


class Chance(NamedTuple):
    """What guessing costs: every bit or symbol as likely as the others, per sequence.

    Attributes:
        errors: Wrong bits or symbols.
        bits: Cross-entropy in bits.
    """

    errors: float
    bits: float


def learning_curve(
    groups: Mapping[str, Sequence[Curve]],
    *,
    error_name: str = "bit errors",
    solved_below: float | None = None,
    chance: Chance | None = None,
    title: str = "",
) -> Figure:
    """Plot errors and bits over the training sequences seen, with a line for each group of runs.

    The runs of a group differ only in the seed. Its line is their median, at the evaluations that all of them have, in
    a band from their smallest to their largest value; thin lines are the runs. Where values are small, the y axes are
    logarithmic above 0.01 and linear below, so that 0 errors are visible. If even the best possible predictions have
    a cross-entropy above 0, the bits above it are drawn instead of the errors, and `solved_below` is ignored. The loss
    in training has a panel of its own, if it is known of all runs.

    Args:
        groups: The runs of each group, by the group's name in the legend.
        error_name: The name of the errors, as "bit errors" or "symbol errors".
        solved_below: Errors per sequence below which the task counts as solved; drawn as a line. None: no line.
        chance: What guessing costs, drawn as lines. None: no lines.
        title: The title of the figure.
    """
    figure = page(2.7, title)
    left, right, *more = figure.subplots(1, 3 if _all_have_loss(groups) else 2)
    bits = _draw(right, groups, lambda run: run.bits, "bits per sequence")
    if any(run.optimal_bits is not None for runs in groups.values() for run in runs):
        scale(left, _draw(left, groups, lambda run: run.bits - _optimal(run), "bits above the optimum"))
        _draw_optimal(right, groups)
        plain(right)
    else:
        errors = _draw(left, groups, lambda run: run.errors, f"{error_name} per sequence")
        scale(right, bits, *([] if chance is None else [chance.bits]))
        marks = [solved_below, None if chance is None else chance.errors]
        scale(left, errors, *(mark for mark in marks if mark is not None))
        if solved_below is not None:
            _mark(left, solved_below, f"solved: below {solved_below:g}")
        if chance is not None:
            _mark(left, chance.errors, "guessing", below=True)
    if chance is not None:
        _mark(right, chance.bits, "guessing", below=True)
    for axes in more:
        scale(axes, _draw(axes, groups, _loss, "training loss"))
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


def _all_have_loss(groups: Mapping[str, Sequence[Curve]]) -> bool:
    return all(run.loss is not None for runs in groups.values() for run in runs)


def _loss(run: Curve) -> Numbers:
    return np.zeros_like(run.bits) if run.loss is None else run.loss


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


def _mark(axes: Axes, height: float, text: str, *, below: bool = False) -> None:
    """Draw a line at a height, and above or below it what it means."""
    axes.axhline(height, color=PALE, linewidth=0.9, linestyle="--")
    axes.annotate(
        text, (0, height), xycoords=("axes fraction", "data"), xytext=(3, -3 if below else 3),
        textcoords="offset points", va="top" if below else "bottom", fontsize=7, color=PALE,
    )  # fmt: skip
