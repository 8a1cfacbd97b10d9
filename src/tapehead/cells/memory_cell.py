"""What every recurrent cell with a memory has."""

from abc import ABC, abstractmethod
from typing import Any, cast

from torch import Tensor, nn

from tapehead._arguments import check_count
from tapehead._state import State, clone_state
from tapehead.cells.cell import Cell
from tapehead.cells.initial_state import InitialState
from tapehead.kernels.backend import Problem, derivative_of, sizes_of


class MemoryCell(Cell[State], ABC):
    """A recurrent cell with a memory, whose steps are run by one of several backends.

    Attributes:
        initial: The memory, weightings and reads before the first step; all that depends on the number of slots.
        readout: The output layer.
        options: What changes the cell's equations, as its step in `maths` takes them.
        backend: "auto", or the name of the backend that runs the steps.
    """

    initial: InitialState
    readout: nn.Linear
    options: Any
    backend: str

    @property
    def least_slots(self) -> int:
        """The fewest memory slots that the cell works with."""
        return 1

    @abstractmethod
    def expand_initial_state(self, batch_size: int, memory_slots: int | None = None) -> State:
        """Return the initial state expanded to a batch, read-only: its sequences and the cell may share memory.

        Args:
            batch_size: B, the number of sequences.
            memory_slots: N; None: as many as the cell was made with.
        """

    def initial_state(self, batch_size: int, memory_slots: int | None = None) -> State:
        """Return the initial state of a batch, in new tensors that may be changed in place.

        Args:
            batch_size: B, the number of sequences.
            memory_slots: N; None: as many as the cell was made with.

        Raises:
            ValueError: A random memory has fewer slots, or the cell needs more.
        """
        check_count("batch_size", batch_size, least=0)
        if memory_slots is not None:
            check_count("memory_slots", memory_slots, least=self.least_slots)
        return clone_state(self.expand_initial_state(batch_size, memory_slots))

    def expand_like(self, state: State, batch_size: int = 0) -> State:
        """Return an initial state with as many memory slots as a state that a caller gave; see `Cell.expand_like`."""
        memory: object = cast(Any, state).memory
        slots = memory.shape[-2] if isinstance(memory, Tensor) and memory.dim() >= 2 else 0
        fits = self.least_slots <= slots <= self.initial.most_slots
        return self.expand_initial_state(batch_size, slots if fits else None)

    def describe_problem(self) -> Problem[Any]:
        """Describe one time step of one sequence, for choosing the backend."""
        state: Any = self.expand_initial_state(1)
        inputs, outputs = state.memory.new_empty(1, 1, self.input_size), state.memory.new_empty(self.output_size)
        sizes = sizes_of(inputs, state.memory, state.read_weightings, state.write_weightings, state.hidden, outputs)
        return Problem(inputs.device, inputs.dtype, sizes, self.options, derivative_of(self.parameters()))
