"""Lines with an error band, and the axes that they are drawn on."""

from collections.abc import Iterator, Sequence
from itertools import cycle, product
from typing import NamedTuple, Self, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from tapehead.plots._page import BLUE, ORANGE, OTHERS, Counts, Numbers

LINEAR_BELOW = 0.01
"""A logarithmic axis is linear from here down to 0."""
DECADE = 10.0


class ErrorBand(NamedTuple):
    """A line and the range around it: four arrays of the same length.

    Attributes:
        x: Positions along the axis.
        middle: The line, as a mean or a median.
        low: The lower end of the range.
        high: The upper end of the range.
    """

    x: Numbers | Counts
    middle: Numbers
    low: Numbers
    high: Numbers

    @classmethod
    def exact(cls, x: Numbers | Counts, y: Numbers) -> Self:
        """Make a line without a range around it.

        Args:
            x: Positions along the axis.
            y: The line.
        """
        return cls(x, y, y, y)


Lines: TypeAlias = Sequence[ErrorBand]


def styles() -> Iterator[tuple[str, str]]:
    """Yield a dash pattern and a color for each line, so that all lines differ."""
    return cycle(product(["-", "--", ":"], [BLUE, ORANGE, *OTHERS]))


def scale(axes: Axes, lines: Lines, *numbers: float) -> None:
    """Scale the y axis so that all of the lines and these numbers are visible.

    It is logarithmic, and linear from 0 to 0.01 where something is that small. Where everything is within a factor of
    10, or something is negative, it is linear throughout, from 0 or from below the lowest number.
    """
    lowest = min([*numbers, *(float(line.low.min()) for line in lines)])
    highest = max([LINEAR_BELOW, *numbers, *(float(line.high.max()) for line in lines)])
    if lowest < 0:
        axes.set_ylim(lowest - 0.1 * (highest - lowest), highest + 0.1 * (highest - lowest))
    elif lowest < LINEAR_BELOW:
        axes.set_yscale("symlog", linthresh=LINEAR_BELOW, linscale=0.4)
    elif highest > DECADE * lowest:
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_minor_formatter("{x:g}" if highest < DECADE**2 * lowest else "")
    if axes.get_yscale() != "linear":
        axes.yaxis.set_major_formatter("{x:g}")
        axes.tick_params(which="minor", labelsize=7, width=0.4, length=1.5)
    if lowest >= 0 and axes.get_yscale() != "log":
        axes.set_ylim(0, highest * (1.1 if axes.get_yscale() == "linear" else 1.5))
    plain(axes)


def legend(figure: Figure, axes: Axes) -> None:
    """Put a legend below the panels where there are several lines."""
    lines, names = axes.get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(lines, names, loc="outside lower center", ncols=min(len(names), 3), frameon=False, fontsize=7)


def plain(axes: Axes) -> None:
    """Show horizontal grid lines and hide the top and right spines."""
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
