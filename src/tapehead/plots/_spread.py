"""Lines with a spread around them, and the axes that they are drawn on."""

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


class Spread(NamedTuple):
    """A measure along an axis, and how far it spreads there: four arrays of the same length."""

    at: Numbers | Counts
    middle: Numbers
    low: Numbers
    high: Numbers

    @classmethod
    def exact(cls, at: Numbers | Counts, measured: Numbers) -> Self:
        """Make a line without a spread."""
        return cls(at, measured, measured, measured)


Lines: TypeAlias = Sequence[Spread]


def styles() -> Iterator[tuple[str, str]]:
    """Tell lines apart: a dash pattern and a colour for each."""
    return cycle(product(["-", "--", ":"], [BLUE, ORANGE, *OTHERS]))


def scale(axes: Axes, lines: Lines, *also: float) -> None:
    """Choose the upward axis so that all of some lines can be seen, and some numbers as well.

    It is logarithmic; where something is below 0.01 it is linear from there and reaches 0. Where all is within a decade
    it is linear throughout, from 0.
    """
    lowest = min([*also, *(float(line.low.min()) for line in lines)])
    highest = max([LINEAR_BELOW, *also, *(float(line.high.max()) for line in lines)])
    if lowest < LINEAR_BELOW:
        axes.set_yscale("symlog", linthresh=LINEAR_BELOW, linscale=0.4)
    elif highest > DECADE * lowest:
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_minor_formatter("{x:g}" if highest < DECADE**2 * lowest else "")
    if axes.get_yscale() != "linear":
        axes.yaxis.set_major_formatter("{x:g}")
        axes.tick_params(which="minor", labelsize=7, width=0.4, length=1.5)
    if axes.get_yscale() != "log":
        axes.set_ylim(0, highest * (1.1 if axes.get_yscale() == "linear" else 1.5))
    plain(axes)


def legend(figure: Figure, axes: Axes) -> None:
    """Say below the panels which line is which, where there are several."""
    lines, names = axes.get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(lines, names, loc="outside lower center", ncols=min(len(names), 3), frameon=False, fontsize=7)


def plain(axes: Axes) -> None:
    """Leave only what helps to read values off."""
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
