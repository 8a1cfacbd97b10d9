"""One sequence: what went in, what was due, what came out."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tapehead.plots._page import INK, ORANGE, PALE, WRONG, Counts, Flags, Numbers, channels, heat, label, only, page
from tapehead.plots._spread import legend

STEPS_A_ROW, MOST_ROWS = 50, 4
"""Predictions are drawn in so many rows, of so many steps each, until there are too many for a page."""


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
    panels = {"input": inputs, "target": only(targets, scored), "output": only(outputs, scored)}
    sizes = [inputs.shape[1], *[targets.shape[1]] * 3]
    figure = page(1.6 + 0.06 * sum(sizes), title)
    *rows, last = figure.subplots(4, 1, sharex=True, height_ratios=sizes)
    for axes, (name, panel) in zip(rows, panels.items(), strict=True):
        channels(axes, panel, name)
    heat(last, only(wrong, scored).T, WRONG, (0, 1))
    label(last, "time step", "channel", f"wrong bits: {int(wrong[scored].sum()) or 'none'}")
    return figure


def predictions(
    targets: Numbers, foretold: Numbers, optimal: Numbers, *, model: str = "model", title: str = ""
) -> Figure:
    """Draw how likely a model and the best possible predictor held a 1 to be, beside the bits that came.

    As figure 14 of Graves et al. 2014; long sequences are broken into rows.

    Args:
        targets: The bits, (T,).
        foretold: The model's probability of a 1 at each step, in [0, 1], (T,).
        optimal: The best possible predictor's, (T,).
        model: What to call the model.
        title: Said above the picture.
    """
    steps = np.arange(len(targets))
    rows = min(MOST_ROWS, -(-len(steps) // STEPS_A_ROW))
    figure = page(0.7 + 1.25 * rows, title)
    panels = figure.subplots(rows, 1, squeeze=False, sharey=True)[:, 0]
    for axes, row in zip(panels, np.array_split(steps, rows), strict=True):
        _foretell(axes, row, targets, {"best possible": (INK, optimal), model: (ORANGE, foretold)})
    label(panels[-1], "time step", "P(1)")
    legend(figure, panels[0])
    return figure


def _foretell(axes: Axes, row: Counts, targets: Numbers, lines: dict[str, tuple[str, Numbers]]) -> None:
    """Draw some steps of the predictions."""
    label(axes, "", "P(1)")
    axes.scatter(row, targets[row], marker="|", s=26, linewidths=1.2, color=PALE, label="bit that came")
    for name, (colour, chances) in lines.items():
        axes.step(row, chances[row], where="mid", color=colour, linewidth=1.1, label=name)
    axes.set_xlim(row[0] - 0.5, row[-1] + 0.5)
    axes.set_ylim(-0.12, 1.12)
    axes.set_yticks([0, 0.5, 1])
    axes.spines[["top", "right"]].set_visible(False)
