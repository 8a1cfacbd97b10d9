"""One sequence: its inputs, its targets, and the outputs of a model."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tapehead.plots._lines import legend
from tapehead.plots._page import (
    INK,
    ORANGE,
    PALE,
    WRONG,
    Counts,
    Flags,
    Numbers,
    apply_mask,
    channels,
    heat,
    label,
    page,
)

STEPS_PER_ROW, MAX_ROWS = 50, 4
"""Predictions are drawn in rows of so many time steps, and in so many rows at the most."""


def example(
    inputs: Numbers, outputs: Numbers, targets: Numbers, mask: Flags, *, symbols: bool = False, title: str = ""
) -> Figure:
    """Draw one sequence: inputs, targets, outputs, and which bits or symbols are wrong.

    Args:
        inputs: (T, I).
        outputs: Probabilities in [0, 1], not logits, (T, O).
        targets: (T, O); of symbols one-hot.
        mask: The time steps whose outputs count, (T,); the others are left gray.
        symbols: Whether a time step's target is one symbol, and the largest output the prediction, rather than O bits.
        title: The title above the picture.
    """
    wrong, name_of_wrong, rows_of_wrong = _find_wrong_bits(outputs, targets), "wrong bits", targets.shape[1]
    if symbols:
        wrong, name_of_wrong, rows_of_wrong = _find_wrong_symbols(outputs, targets), "wrong symbols", 1
    panels = {"input": inputs, "target": apply_mask(targets, mask), "output": apply_mask(outputs, mask)}
    sizes = [inputs.shape[1], *[targets.shape[1]] * 2, rows_of_wrong]
    figure = page(1.6 + 0.06 * sum(sizes), title)
    *rows, last = figure.subplots(4, 1, sharex=True, height_ratios=sizes)
    for axes, (name, panel) in zip(rows, panels.items(), strict=True):
        channels(axes, panel, name)
    heat(last, apply_mask(wrong, mask).T, WRONG, (0, 1))
    label(last, "time step", "" if symbols else "channel", f"{name_of_wrong}: {int(wrong[mask].sum()) or 'none'}")
    return figure


def predictions(
    targets: Numbers, predicted: Numbers, optimal: Numbers, *, model: str = "model", title: str = ""
) -> Figure:
    """Draw the probability of a 1 by a model and by the optimal predictor, beside the bits that followed.

    As figure 14 of Graves et al. 2014; long sequences are broken into rows.

    Args:
        targets: The bits, (T,).
        predicted: The model's probability of a 1 at each time step, in [0, 1], (T,).
        optimal: That of the optimal predictor, (T,).
        model: The name of the model in the legend.
        title: The title above the picture.
    """
    steps = np.arange(len(targets))
    rows = min(MAX_ROWS, -(-len(steps) // STEPS_PER_ROW))
    figure = page(0.7 + 1.25 * rows, title)
    panels = figure.subplots(rows, 1, squeeze=False, sharey=True)[:, 0]
    for axes, row in zip(panels, np.array_split(steps, rows), strict=True):
        _draw_predictions(axes, row, targets, {"optimal": (INK, optimal), model: (ORANGE, predicted)})
    label(panels[-1], "time step", "P(1)")
    legend(figure, panels[0])
    return figure


def _draw_predictions(axes: Axes, row: Counts, targets: Numbers, lines: dict[str, tuple[str, Numbers]]) -> None:
    """Draw some time steps of the predictions."""
    label(axes, "", "P(1)")
    axes.scatter(row, targets[row], marker="|", s=26, linewidths=1.2, color=PALE, label="target bit")
    for name, (color, probabilities) in lines.items():
        axes.step(row, probabilities[row], where="mid", color=color, linewidth=1.1, label=name)
    axes.set_xlim(row[0] - 0.5, row[-1] + 0.5)
    axes.set_ylim(-0.12, 1.12)
    axes.set_yticks([0, 0.5, 1])
    axes.spines[["top", "right"]].set_visible(False)


def _find_wrong_bits(outputs: Numbers, targets: Numbers) -> Numbers:
    """Mark each bit that is wrong, (T, O)."""
    wrong: Flags = (outputs > 0.5) != (targets > 0.5)
    return wrong.astype(np.float64)


def _find_wrong_symbols(outputs: Numbers, targets: Numbers) -> Numbers:
    """Mark each time step whose symbol is wrong, (T, 1)."""
    wrong: Flags = outputs.argmax(axis=1) != targets.argmax(axis=1)
    return wrong.astype(np.float64)[:, None]
