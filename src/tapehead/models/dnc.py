"""The Differentiable Neural Computer over a whole sequence."""

import torch
from torch.nn.functional import linear

from tapehead._shapes import Inputs
from tapehead._state import map_state
from tapehead.cells._first_state import MemoryInit, ReadInit
from tapehead.cells.dnc import DNCCell
from tapehead.maths.controllers import Controller, control
from tapehead.maths.dnc import DNCState, Interface, interface_parameters
from tapehead.models._memory import MemoryModel
from tapehead.models._sequence import constructor_arguments


class DNC(MemoryModel[DNCState]):
    """Differentiable Neural Computer (Graves et al. 2016): memory that is allocated, freed, and read as written.

    Its outputs are logits. The arguments are those of `DNCCell`, and:

    Args:
        batch_first: Whether inputs and outputs are (B, T, channels) rather than (T, B, channels).
    """

    cell: DNCCell

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
        memory_init: MemoryInit = "constant",
        memory_trainable: bool | None = None,
        read_init: ReadInit = "zero",
        clip: float | None = 20.0,
        masked_content: bool = False,
        deallocate: bool = False,
        sharpen_links: bool = False,
        sparse_links: int | None = None,
        batch_first: bool = False,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        config = constructor_arguments(locals())
        cell_config = {name: value for name, value in config.items() if name != "batch_first"}
        super().__init__(DNCCell(**cell_config, backend=backend, device=device, dtype=dtype), batch_first, config)

    @torch.no_grad()
    def interface(self, inputs: Inputs, states: DNCState) -> Interface:
        """Say what the heads were told at every step of a trace, for looking at.

        Args:
            inputs: What the trace was made of, (T, B, I), whatever `batch_first` is.
            states: The trace's, which began at the initial state and had no lengths.

        Returns:
            Each part with the axes T and B in front.
        """
        first = map_state(lambda tensor: tensor.unsqueeze(0), self.cell.first_state(inputs.shape[1]))
        hidden, cell, reads = (
            torch.cat([getattr(first, name), getattr(states, name)[:-1]]).flatten(0, 1)
            for name in ("hidden", "cell", "reads")
        )
        weights, options = self.cell.weights(), self.cell.options
        top, _, _ = control(options.controller, weights.controller, inputs.flatten(0, 1), reads, hidden, cell)
        told = interface_parameters(linear(top, weights.interface_weight, weights.interface_bias), options)
        return Interface._make(None if part is None else part.unflatten(0, inputs.shape[:2]) for part in told)
