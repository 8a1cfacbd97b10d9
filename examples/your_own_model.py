"""A model of your own is a file like this: `cd examples`, then `tapehead train copy --model your_own_model:GRU`."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tapehead.cells.cell import Cell, Scan
from tapehead.kernels.unroll import unroll
from tapehead.models.sequence_model import SequenceModel


class GRUState(NamedTuple):
    """The state of a GRU: a NamedTuple of tensors, each with the batch axis first."""

    hidden: Tensor  # (B, D)


class GRUCell(Cell[GRUState]):
    """One step of a gated recurrent unit, and a linear output layer.

    Args:
        input_size: Channels of an input.
        output_size: Channels of an output.
        hidden_size: Number of hidden units.
        device: The device of the parameters.
        dtype: The dtype of the parameters.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        hidden_size: int = 100,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(input_size, output_size)
        self.recurrence = nn.GRUCell(input_size, hidden_size, device=device, dtype=dtype)
        self.readout = nn.Linear(hidden_size, output_size, device=device, dtype=dtype)

    def expand_initial_state(self, batch_size: int) -> GRUState:
        """Return the state before the first step: zeros."""
        return GRUState(self.readout.weight.new_zeros(1, self.recurrence.hidden_size).expand(batch_size, -1))

    def scan(
        self, inputs: Tensor, state: GRUState, lengths: Tensor | None = None, *, keep_states: bool = False
    ) -> Scan[GRUState]:
        """Run over the inputs, (T, B, input_size), step by step; after its length a sequence's state stays as it is."""
        return unroll(self._step, inputs, state, lengths, self.output_size, keep_states)

    def _step(self, inputs: Tensor, state: GRUState) -> tuple[Tensor, GRUState]:
        hidden = self.recurrence(inputs, state.hidden)
        return self.readout(hidden), GRUState(hidden)

    @property
    def backend_in_use(self) -> str:
        """The name of what computes a step."""
        return "torch"


class GRU(SequenceModel[GRUState]):
    """A gated recurrent unit, for comparison. Its options are those of the cell; the outputs are logits."""

    cell_type = GRUCell
