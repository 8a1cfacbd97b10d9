"""A model of your own is a file like this: `cd examples`, then `tapehead train copy --model your_own_model:GRU`."""

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from tapehead import RNNState
from tapehead.cells.baselines import BaselineCell
from tapehead.models.sequence_model import SequenceModel


class GRUCell(BaselineCell[RNNState]):
    """One step of torch.nn.GRU and a linear output layer; for another kind of cell, derive from tapehead.cells.cell."""

    network = nn.GRU
    state_type = RNNState

    def run_network(self, inputs: Tensor | PackedSequence, state: RNNState) -> tuple[Any, RNNState]:
        """Run torch's network; in our states the batch axis comes first, unlike in torch's."""
        units, hidden = self.recurrence(inputs, state.hidden.transpose(0, 1).contiguous())
        return units, RNNState(hidden.transpose(0, 1))


class GRU(SequenceModel[RNNState]):
    """A gated recurrent unit; its options are those of the cell, its outputs are logits."""

    cell_type = GRUCell
