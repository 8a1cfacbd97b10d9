"""What every recurrent cell with a memory has."""

from abc import ABC
from typing import Any

from torch import nn

from tapehead._state import State
from tapehead.cells.cell import Cell
from tapehead.cells.initial_state import InitialState
from tapehead.kernels.backend import Problem, derivative_of, sizes_of


class MemoryCell(Cell[State], ABC):
    """A recurrent cell with a memory, whose steps are run by one of several backends.

    Attributes:
        initial: The memory, weightings and reads before the first step; all that depends on the number of slots.
        readout: The output layer.
        backend: "auto", or the name of the backend that runs the steps.
    """

    initial: InitialState
    readout: nn.Linear
    options: Any
    backend: str

    def describe_problem(self) -> Problem[Any]:
        """Describe one time step of one sequence, for choosing the backend."""
        state: Any = self.expand_initial_state(1)
        inputs, outputs = state.memory.new_empty(1, 1, self.input_size), state.memory.new_empty(self.output_size)
        sizes = sizes_of(inputs, state.memory, state.read_weightings, state.write_weightings, state.hidden, outputs)
        return Problem(inputs.device, inputs.dtype, sizes, self.options, derivative_of(self.parameters()))
