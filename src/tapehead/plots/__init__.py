"""Pictures of runs and of the memory at work, drawn from recorded numbers only.

Every function takes arrays and gives back a figure that belongs to nobody: no window opens, no global state changes.
Time runs to the right and memory slots run downwards; writing is orange and reading is blue in all of them.
"""

from tapehead.plots._page import save
from tapehead.plots._spread import Spread
from tapehead.plots.bookkeeping import Bookkeeping, allocation, links
from tapehead.plots.curves import Curve, learning_curve
from tapehead.plots.heads import at_work, memory, weightings
from tapehead.plots.sequence import example, predictions
from tapehead.plots.sizes import Scores, generalisation

__all__ = [
    "Bookkeeping",
    "Curve",
    "Scores",
    "Spread",
    "allocation",
    "at_work",
    "example",
    "generalisation",
    "learning_curve",
    "links",
    "memory",
    "predictions",
    "save",
    "weightings",
]
