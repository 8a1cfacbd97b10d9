"""Shares of right targets by size: a panel for every task."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tapehead.plots._lines import ErrorBand, legend, plain, styles
from tapehead.plots._page import PALE, label, page

COLUMNS = 3


def accuracies(
    panels: Mapping[str, Mapping[str, ErrorBand]], *, trained_to: Mapping[str, int], axis: str, title: str = ""
) -> Figure:
    """Draw which share of the targets models predict rightly, by size; bands are ranges over runs.

    Args:
        panels: For each task, lines in [0, 1] by the names of models; a model has the same style in every panel.
        trained_to: The largest size of each task in training, drawn as a line.
        axis: The name of the size.
        title: The title above the picture.
    """
    rows = -(-len(panels) // COLUMNS)
    figure = page(0.6 + 1.5 * rows, title)
    drawn = figure.subplots(rows, min(COLUMNS, len(panels)), squeeze=False, sharey=True)
    names = dict.fromkeys(name for lines in panels.values() for name in lines)
    looks = dict(zip(names, styles(), strict=False))
    for axes, (task, lines) in zip(drawn.flat, panels.items(), strict=False):
        label(axes, "", "accuracy" if axes in drawn[:, 0] else "", task)
        _draw(axes, lines, looks)
        axes.axvline(trained_to[task], color=PALE, linewidth=0.9, linestyle="--")
    for axes in drawn.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in drawn.flat[max(len(panels) - drawn.shape[1], 0) : len(panels)]:  # the lowest of every column
        axes.set_xlabel(axis, fontsize=8)
    most = max(panels, key=lambda task: len(panels[task]))
    legend(figure, drawn.flat[list(panels).index(most)])
    return figure


def _draw(axes: Axes, lines: Mapping[str, ErrorBand], looks: Mapping[str, tuple[str, str]]) -> None:
    for name, line in lines.items():
        dashes, color = looks[name]
        axes.plot(line.x, line.middle, dashes, color=color, label=name, linewidth=1.2)
        axes.fill_between(line.x, line.low, line.high, color=color, alpha=0.15, linewidth=0)
    axes.set_ylim(0, 1.04)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    plain(axes)
