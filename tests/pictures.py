"""Weightings to draw, and what a picture shows of them."""

import numpy as np
from matplotlib.figure import Figure

SLOTS = 16


def weightings(*slots: int) -> np.ndarray:
    weights = np.zeros((len(slots), 1, SLOTS))
    weights[np.arange(len(slots)), 0, slots] = 1
    return weights


def find_panels(figure: Figure) -> dict[str, np.ndarray]:
    return {axes.get_title("left"): axes.images[0].get_array() for axes in figure.axes if axes.images}


def slot_numbers(figure: Figure) -> list[str]:
    axes = figure.axes[0]
    low, high = sorted(axes.get_ylim())
    formatter = axes.yaxis.get_major_formatter()
    return [formatter(tick) for tick in range(round(low + 0.5), round(high + 0.5))]
