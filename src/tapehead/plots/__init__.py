"""Pictures of runs and of the memory at work, drawn from recorded numbers only.

Every function takes NumPy arrays and returns a matplotlib figure: no window opens, and no global state changes. Time
runs to the right and memory slots run downwards; writing is orange and reading is blue in all of them.
"""

from tapehead.plots._lines import ErrorBand
from tapehead.plots._page import DEFAULT_FORMATS, DOTS_PER_INCH, FORMATS, save
from tapehead.plots.bookkeeping import Bookkeeping, allocation, links
from tapehead.plots.curves import Chance, Curve, learning_curve
from tapehead.plots.heads import at_work, memory, weightings
from tapehead.plots.memory_use import memory_use
from tapehead.plots.sequence import example, predictions
from tapehead.plots.shares import accuracies
from tapehead.plots.sizes import Scores, generalization
from tapehead.plots.sorting import Sorting, sorting

__all__ = [
    "DEFAULT_FORMATS",
    "DOTS_PER_INCH",
    "FORMATS",
    "Bookkeeping",
    "Chance",
    "Curve",
    "ErrorBand",
    "Scores",
    "Sorting",
    "accuracies",
    "allocation",
    "at_work",
    "example",
    "generalization",
    "learning_curve",
    "links",
    "memory",
    "memory_use",
    "predictions",
    "save",
    "sorting",
    "weightings",
]
