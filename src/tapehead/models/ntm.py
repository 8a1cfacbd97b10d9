"""The Neural Turing Machine over a whole sequence."""

import torch

from tapehead.cells._first_state import HeadInit, MemoryInit, ReadInit
from tapehead.cells.ntm import NTMCell
from tapehead.maths.controllers import Controller
from tapehead.maths.ntm import Addressing, NTMState
from tapehead.models._memory import MemoryModel
from tapehead.models._sequence import constructor_arguments


class NTM(MemoryModel[NTMState]):
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
