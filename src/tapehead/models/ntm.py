"""The Neural Turing Machine over a whole sequence."""

from typing import Unpack

import torch
from torch.nn.functional import linear

from tapehead._shapes import Inputs, Symbols
from tapehead.cells.ntm import NTMCell, NTMCellOptions
from tapehead.maths.ntm import HeadParameters, NTMState, head_parameters
from tapehead.models.memory_model import MemoryModel


class NTM(MemoryModel[NTMState]):
    """Neural Turing Machine (Graves, Wayne, Danihelka 2014): a controller with a memory that it reads and writes.

    It is called as torch.nn.LSTM is; its outputs are logits.
    """

    cell: NTMCell
    cell_type = NTMCell
    saved_as = "ntm"

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        batch_first: bool = False,
        embedding_size: int | None = None,
        **options: Unpack[NTMCellOptions],
    ) -> None:
        super().__init__(input_size, output_size, batch_first=batch_first, embedding_size=embedding_size, **options)

    @torch.no_grad()
    def interface(self, inputs: Inputs | Symbols, states: NTMState) -> HeadParameters:
        """Compute the heads' parameters at every step of a trace: keys, gates, shifts, what is added, and so on.

        Args:
            inputs: The inputs of the trace, (T, B, I) or token ids (T, B), whatever `batch_first` is.
            states: The states of the trace, which started from the initial state and had no lengths.

        Returns:
            Each part with the axes T and B in front; the read heads come before the write heads.
        """
        weights = self.cell.weights()
        top = self._control_again(inputs, states, weights.controller)
        parts = head_parameters(linear(top, weights.head_weight, weights.head_bias), self.cell.options)
        return HeadParameters._make(part.unflatten(0, inputs.shape[:2]) for part in parts)
