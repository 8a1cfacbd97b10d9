"""What every recurrent machine with a memory has."""

from abc import ABC

from torch import nn

from tapehead._state import State
from tapehead.cells._cell import Cell
from tapehead.cells._first_state import FirstState


class MemoryCell(Cell[State], ABC):
    """A recurrent machine with a memory, whose steps are run by one of several backends.

    Attributes:
        first: What the memory, the heads and the reads are before the first step; all that depends on N is in here.
        readout: The output layer.
        backend: "auto", or the name of what runs the steps.
    """

    first: FirstState
    readout: nn.Linear
    backend: str
