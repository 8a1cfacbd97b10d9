"""How well a trained model answers questions of many sizes."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tapehead.plots._page import PALE, label, page
from tapehead.plots._spread import Spread, legend, scale, styles


class Scores(NamedTuple):
    """Both metrics along one axis of size.

    Attributes:
        bit_errors: Wrong bits per sequence.
        bits: Cross-entropy in bits per sequence.
        gap_bits: Bits less those of the best possible answers to the same questions; None where those cost nothing.
    """

    bit_errors: Spread
    bits: Spread
    gap_bits: Spread | None = None


def generalisation(
    found: Mapping[str, Mapping[str, Scores]], *, trained_to: Mapping[str, int], title: str = ""
) -> Figure:
    """Draw both metrics by the size of the questions: a row of panels for each number that a size is counted in.

    A bar stands for each point's spread. The axes are as in `learning_curve`. Where no answer can be certain, the gap
    to the best possible score takes the place of the bit errors.

    Args:
        found: For each axis of size, as "length", the lines along it by their names in the legend.
        trained_to: How far an axis was trained on; drawn as a line, where it is known.
        title: Said above the picture.
    """
    figure = page(0.4 + 2.3 * len(found), title)
    rows = figure.subplots(len(found), 2, squeeze=False)
    for (left, right), (axis, lines) in zip(rows, found.items(), strict=True):
        gaps = {name: scores.gap_bits for name, scores in lines.items() if scores.gap_bits is not None}
        errors = {name: scores.bit_errors for name, scores in lines.items()}
        _draw(left, gaps or errors, axis, "bits above the best possible" if gaps else "bit errors per sequence")
        _draw(right, {name: scores.bits for name, scores in lines.items()}, axis, "bits per sequence")
        if axis in trained_to:
            _draw_end(left, trained_to[axis], "trained up to here")
            _draw_end(right, trained_to[axis], "")
    legend(figure, right)
    return figure


def _draw(axes: Axes, lines: Mapping[str, Spread], axis: str, measure: str) -> None:
    """Draw one measure."""
    label(axes, axis, measure)
    for (name, line), (dashes, colour) in zip(lines.items(), styles(), strict=False):
        reach = np.stack([line.middle - line.low, line.high - line.middle])
        axes.errorbar(
            line.at, line.middle, reach, fmt=dashes, color=colour, label=name, linewidth=1.3, elinewidth=0.8, capsize=2,
            marker="o", markersize=2.5,
        )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    scale(axes, list(lines.values()))


def _draw_end(axes: Axes, largest: int, said: str) -> None:
    """Draw where the sizes end that were trained on."""
    axes.axvline(largest, color=PALE, linewidth=0.9, linestyle="--")
    axes.annotate(
        said, (largest, 1), xycoords=("data", "axes fraction"), xytext=(3, -3), textcoords="offset points", va="top",
        fontsize=7, color=PALE,
    )  # fmt: skip
