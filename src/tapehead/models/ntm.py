"""The Neural Turing Machine over a whole sequence."""

from typing import Self

import torch

from tapehead._arguments import check_count
from tapehead.cells._first_state import HeadInit, MemoryInit, ReadInit
from tapehead.cells.ntm import NTMCell
from tapehead.maths.ntm import Addressing, Controller, NTMState
from tapehead.models._sequence import SequenceModel, constructor_arguments


class NTM(SequenceModel[NTMState]):
    """Neural Turing Machine (Graves, Wayne, Danihelka 2014): a controller with a memory that it reads and writes.

    Its outputs are logits. The arguments are those of `NTMCell`, and:

    Args:
        batch_first: Whether inputs and outputs are (B, T, channels) rather than (T, B, channels).
    """

    cell: NTMCell

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        controller: Controller = "lstm",
        hidden_size: int = 100,
        num_layers: int = 1,
        memory_slots: int = 128,
        memory_width: int = 20,
        read_heads: int = 1,
        write_heads: int = 1,
        shift_range: int = 1,
        addressing: Addressing = "content_and_location",
        memory_init: MemoryInit = "constant",
        memory_trainable: bool | None = None,
        head_init: HeadInit = "onehot",
        read_init: ReadInit = "zero",
        clip: float | None = 20.0,
        shift_bias: float = 0.0,
        sharpening_bias: float = 0.0,
        gate_bias: float = 0.0,
        strength_bias: float = 0.0,
        batch_first: bool = False,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        config = constructor_arguments(locals())
        cell_config = {name: value for name, value in config.items() if name != "batch_first"}
        super().__init__(NTMCell(**cell_config, backend=backend, device=device, dtype=dtype), batch_first, config)

    def with_memory_slots(self, memory_slots: int) -> Self:
        """Make a copy of this machine with a tape of another length; the weights do not depend on it.

        New slots start as the mean of the first memory's slots, which is their value where that is constant; a random
        memory's are drawn from torch's generator. A learned first weighting gives them no weight.

        Args:
            memory_slots: N, at least 2 * shift_range + 1.

        Returns:
            A new model, on the same device, in the same training mode.
        """
        check_count("memory_slots", memory_slots)
        backend, weight = self.cell.backend, self.cell.readout.weight
        config = {**self.config, "memory_slots": memory_slots}
        longer = type(self)(**config, backend=backend, device=weight.device, dtype=weight.dtype)
        tensors = {name: tensor for name, tensor in self.state_dict().items() if not name.startswith("cell.first.")}
        longer.load_state_dict(tensors, strict=False)
        longer.cell.first.copy_stretched(self.cell.first)
        return longer.train(self.training)
