"""The Neural Turing Machine over a whole sequence."""

from typing import Unpack

from tapehead.cells.ntm import NTMCell, NTMCellOptions
from tapehead.maths.ntm import NTMState
from tapehead.models.memory_model import MemoryModel


class NTM(MemoryModel[NTMState]):
    """Neural Turing Machine (Graves, Wayne, Danihelka 2014): a controller with a memory that it reads and writes.

    It is called as torch.nn.LSTM is; its outputs are logits.
    """

    cell: NTMCell
    cell_type = NTMCell
    saved_as = "ntm"

    def __init__(
        self, input_size: int, output_size: int, *, batch_first: bool = False, **options: Unpack[NTMCellOptions]
    ) -> None:
        super().__init__(input_size, output_size, batch_first=batch_first, **options)
