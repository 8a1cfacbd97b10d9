"""The Differentiable Neural Computer over a whole sequence."""

from typing import Unpack

import torch
from torch.nn.functional import linear

from tapehead._shapes import Inputs, Symbols
from tapehead.cells.dnc import DNCCell, DNCCellOptions
from tapehead.maths.dnc import DNCState, Interface, interface_parameters
from tapehead.models.memory_model import MemoryModel


class DNC(MemoryModel[DNCState]):
    """Differentiable Neural Computer (Graves et al. 2016): a memory with allocated slots and links in writing order.

    It is called as torch.nn.LSTM is; its outputs are logits.
    """

    cell: DNCCell
    cell_type = DNCCell
    saved_as = "dnc"

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        batch_first: bool = False,
        embedding_size: int | None = None,
        **options: Unpack[DNCCellOptions],
    ) -> None:
        super().__init__(input_size, output_size, batch_first=batch_first, embedding_size=embedding_size, **options)

    @torch.no_grad()
    def interface(self, inputs: Inputs | Symbols, states: DNCState) -> Interface:
        """Compute the heads' parameters at every step of a trace: keys, gates, read modes and so on.

        Args:
            inputs: The inputs of the trace, (T, B, I) or token ids (T, B), whatever `batch_first` is.
            states: The states of the trace, which started from the initial state and had no lengths.

        Returns:
            Each part with the axes T and B in front.
        """
        weights = self.cell.weights()
        top = self._control_again(inputs, states, weights.controller)
        raw = linear(top, weights.interface_weight, weights.interface_bias)
        parts = interface_parameters(raw, self.cell.options)
        return Interface._make(None if part is None else part.unflatten(0, inputs.shape[:2]) for part in parts)
