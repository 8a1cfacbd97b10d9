"""How well a trained model does on sequences of many sizes."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tapehead.plots._lines import ErrorBand, legend, scale, styles
from tapehead.plots._page import PALE, Counts, Numbers, label, page

LOGARITHMIC_FROM = 16
"""The axis of sizes is logarithmic where the largest is this many times the smallest."""


class Scores(NamedTuple):
    """Errors and bits along one axis of size.

    Attributes:
        errors: Wrong bits or symbols per sequence.
        bits: Cross-entropy in bits per sequence.
        gap_bits: Bits minus those of the optimal predictions for the same sequences; None where the latter are 0.
    """

    errors: ErrorBand
    bits: ErrorBand
    gap_bits: ErrorBand | None = None


def generalization(
    found: Mapping[str, Mapping[str, Scores]],
    *,
    trained_to: Mapping[str, int],
    error_name: str = "bit errors",
    title: str = "",
) -> Figure:
    """Draw errors and bits by the size of the sequences: a row of panels for each axis of size.

    The error bars are the range of each point. The axes are as in `learning_curve`. Where even optimal predictions cost
    bits, the gap to them takes the place of the errors.

    Args:
        found: For each axis of size, as "length", the lines along it by their names in the legend.
        trained_to: The largest size of each axis in training; drawn as a line, where it is known.
        error_name: The name of the errors, as "bit errors" or "symbol errors".
        title: The title above the picture.
    """
    figure = page(0.4 + 2.3 * len(found), title)
    rows = figure.subplots(len(found), 2, squeeze=False)
    for (left, right), (axis, lines) in zip(rows, found.items(), strict=True):
        gaps = {name: scores.gap_bits for name, scores in lines.items() if scores.gap_bits is not None}
        errors = {name: scores.errors for name, scores in lines.items()}
        _draw(left, gaps or errors, axis, "bits above the optimum" if gaps else f"{error_name} per sequence")
        _draw(right, {name: scores.bits for name, scores in lines.items()}, axis, "bits per sequence")
        if axis in trained_to:
            _draw_max_size(left, trained_to[axis], "trained up to here")
            _draw_max_size(right, trained_to[axis], "")
    legend(figure, right)
    return figure


def _draw(axes: Axes, lines: Mapping[str, ErrorBand], axis: str, measure: str) -> None:
    """Draw one measure."""
    label(axes, axis, measure)
    for (name, line), (dashes, color) in zip(lines.items(), styles(), strict=False):
        reach = np.stack([line.middle - line.low, line.high - line.middle])
        axes.errorbar(
            line.x, line.middle, reach, fmt=dashes, color=color, label=name, linewidth=1.3, elinewidth=0.8, capsize=2,
            marker="o", markersize=2.5,
        )  # fmt: skip
    _scale_sizes(axes, np.concatenate([line.x for line in lines.values()]))
    scale(axes, list(lines.values()))


def _scale_sizes(axes: Axes, sizes: Numbers | Counts) -> None:
    """Scale the axis of the sizes: by doublings where the largest is many times the smallest."""
    if sizes.max() < LOGARITHMIC_FROM * sizes.min():
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
        return
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:,.0f}")


def _draw_max_size(axes: Axes, max_size: int, text: str) -> None:
    """Draw the largest size in training."""
    axes.axvline(max_size, color=PALE, linewidth=0.9, linestyle="--")
    axes.annotate(
        text, (max_size, 1), xycoords=("data", "axes fraction"), xytext=(3, -3), textcoords="offset points", va="top",
        fontsize=7, color=PALE,
    )  # fmt: skip
