"""How runs went: what their evaluations measured as training went on."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tapehead.plots._page import PALE, Counts, Numbers, label, page
from tapehead.plots._spread import Lines, Spread, legend, plain, scale, styles


class Curve(NamedTuple):
    """What one run's evaluations measured, as training went on: arrays of the same length.

    Attributes:
        sequences: Training sequences seen before each evaluation.
        bit_errors: Wrong bits per sequence.
        bits: Cross-entropy in bits per sequence.
        best_bits: What the best possible answers cost on the same sequences; None where they cost nothing.
    """

    sequences: Numbers | Counts
    bit_errors: Numbers
    bits: Numbers
    best_bits: Numbers | None = None


def learning_curve(
    groups: Mapping[str, Sequence[Curve]], *, solved_below: float | None = None, title: str = ""
) -> Figure:
    """Draw both metrics against the training sequences seen, a line for each group of runs that differ by chance only.

    Of a group of several runs it is their median, as far as all of them went, within their range; each run is a thin
    line. The axes are logarithmic, and below 0.01 linear down to 0, so that a run without errors can be seen. Where no
    answer can be certain, the gap to the best possible score takes the place of the bit errors, and nothing is solved.

    Args:
        groups: Each group's name, for the legend, and its runs.
        solved_below: Bit errors per sequence below which the task counts as solved; drawn as a line. None: nowhere.
        title: Said above the picture.
    """
    figure = page(2.7, title)
    left, right = figure.subplots(1, 2)
    bits = _draw(right, groups, lambda run: run.bits, "bits per sequence")
    if any(run.best_bits is not None for runs in groups.values() for run in runs):
        scale(left, _draw(left, groups, lambda run: run.bits - _best(run), "bits above the best possible"))
        _draw_best(right, groups)
        plain(right)
    else:
        errors = _draw(left, groups, lambda run: run.bit_errors, "bit errors per sequence")
        scale(right, bits)
        scale(left, errors, *([] if solved_below is None else [solved_below]))
        if solved_below is not None:
            _draw_solved(left, solved_below)
    legend(figure, right)
    return figure


def _draw(axes: Axes, groups: Mapping[str, Sequence[Curve]], measure: Callable[[Curve], Numbers], name: str) -> Lines:
    """Draw all groups' lines of a measure, and give the runs'."""
    label(axes, "training sequences (thousands)", name)
    drawn = []
    for (group, runs), (dashes, colour) in zip(groups.items(), styles(), strict=False):
        lines = [Spread.exact(run.sequences / 1000, measure(run)) for run in runs]
        middle = _over(lines)
        if len(runs) > 1:
            axes.fill_between(middle.at, middle.low, middle.high, color=colour, alpha=0.15, linewidth=0)
            for line in lines:
                axes.plot(line.at, line.middle, dashes, color=colour, alpha=0.4, linewidth=0.5)
        axes.plot(middle.at, middle.middle, dashes, color=colour, label=group, lw=1.3, marker="o", markersize=2.2)
        drawn += lines
    return drawn


def _best(run: Curve) -> Numbers:
    return np.zeros_like(run.bits) if run.best_bits is None else run.best_bits


def _over(lines: Lines) -> Spread:
    """Join runs: their median and their range wherever all of them were measured."""
    at = lines[0].at
    for line in lines[1:]:
        at = np.intersect1d(at, line.at)
    values = np.array([line.middle[np.isin(line.at, at)] for line in lines])
    return Spread(at, np.median(values, axis=0), values.min(axis=0), values.max(axis=0))


def _draw_best(axes: Axes, groups: Mapping[str, Sequence[Curve]]) -> None:
    """Draw the best possible score beside the bits, for each group on its own sequences."""
    for number, runs in enumerate(groups.values()):
        best = _over([Spread.exact(run.sequences / 1000, _best(run)) for run in runs])
        said = "best possible" if number == 0 else None
        axes.plot(best.at, best.middle, "--", color=PALE, linewidth=0.9, label=said)


def _draw_solved(axes: Axes, solved_below: float) -> None:
    """Draw where a task counts as solved."""
    axes.axhline(solved_below, color=PALE, linewidth=0.9, linestyle="--")
    axes.annotate(
        f"solved: below {solved_below:g}", (0, solved_below), xycoords=("axes fraction", "data"), xytext=(3, 3),
        textcoords="offset points", fontsize=7, color=PALE,
    )  # fmt: skip
