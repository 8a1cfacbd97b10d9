"""What every model with a memory can do."""

import copy
from abc import ABC, abstractmethod
from typing import Any, Self, cast

import torch
from torch import Tensor

from tapehead._arguments import check_count
from tapehead._shapes import Inputs, Symbols
from tapehead._state import State, map_state
from tapehead.cells.memory_cell import MemoryCell
from tapehead.maths.controllers import control
from tapehead.models.embedding import embed
from tapehead.models.sequence_model import SequenceModel


class MemoryModel(SequenceModel[State], ABC):
    """A cell with a memory over a whole sequence; the weights do not depend on the number of memory slots.

    Attributes:
        cell: The recurrent cell, which computes one time step.
    """

    cell: MemoryCell[State]

    def initial_state(self, batch_size: int, memory_slots: int | None = None) -> State:
        """Return the initial state of a batch, in new tensors that may be changed in place.

        A call from a state has that state's number of memory slots; `with_memory_slots` changes a model for good.

        Args:
            batch_size: B, the number of sequences.
            memory_slots: N, of an NTM at least 2 * shift_range + 1; None: as many as the model was made with.

        Raises:
            ValueError: A random memory has fewer slots, or the model needs more.
        """
        return self.cell.initial_state(batch_size, memory_slots)

    @abstractmethod
    def interface(self, inputs: Inputs | Symbols, states: State) -> Any:
        """Compute the heads' parameters at every step of a trace.

        Args:
            inputs: The inputs of the trace, (T, B, I) or token ids (T, B), whatever `batch_first` is.
            states: The states of the trace, which started from the initial state and had no lengths.

        Returns:
            A tuple of named parts, each with the axes T and B in front; `add`, (T, B, H, W), is what is written.
        """

    def _control_again(self, inputs: Inputs | Symbols, states: Any, weights: tuple[tuple[Tensor, ...], ...]) -> Tensor:
        """Compute the controller's output at every step of a trace again, (T * B, D), from the controller's weights."""
        vectors = inputs if self.embedding is None else embed(self.embedding, inputs, ("T", "B"))
        initial = map_state(lambda tensor: tensor.unsqueeze(0), self.cell.expand_initial_state(inputs.shape[1]))
        hidden, cell, reads = (
            torch.cat([getattr(initial, name), getattr(states, name)[:-1]]).flatten(0, 1)
            for name in ("hidden", "cell", "reads")
        )
        top, _, _ = control(self.cell.options.controller, weights, vectors.flatten(0, 1), reads, hidden, cell)
        return top

    def with_memory_slots(self, memory_slots: int) -> Self:
        """Copy this model and give the copy another number of memory slots.

        New slots start as the mean of the old initial memory's slots; those of a random memory are drawn from torch's
        generator. A learned initial weighting gives them no weight.

        Args:
            memory_slots: N; of an NTM at least 2 * shift_range + 1.

        Returns:
            A new model on the same device, in the same training mode, with the same parameters frozen.
        """
        check_count("memory_slots", memory_slots)
        old = self.cell.initial
        config = {**self.config, "memory_slots": memory_slots}
        options = {name: value for name, value in config.items() if name not in ("batch_first", "embedding_size")}
        options["input_size"] = self.cell.input_size
        made = cast(Any, self.cell_type)(**options, device=old.memory.device, dtype=old.memory.dtype)
        made.initial.copy_resized(old)
        for own, parameter in zip(old.parameters(), made.initial.parameters(), strict=True):
            parameter.requires_grad_(own.requires_grad)
        resized = copy.deepcopy(self)
        resized.cell.initial, resized.config = made.initial.train(self.training), config
        return resized
