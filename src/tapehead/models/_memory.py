"""What every model with a memory can do."""

from abc import ABC
from typing import Any, Self, cast

from tapehead._arguments import check_count
from tapehead._state import State
from tapehead.cells._memory_cell import MemoryCell
from tapehead.models._sequence import SequenceModel


class MemoryModel(SequenceModel[State], ABC):
    """A cell with a memory of any number of slots over a whole sequence."""

    cell: MemoryCell[State]

    def with_memory_slots(self, memory_slots: int) -> Self:
        """Make a copy of this machine with a tape of another length; the weights do not depend on it.

        New slots start as the mean of the first memory's slots, which is their value where that is constant; a random
        memory's are drawn from torch's generator. A learned first weighting gives them no weight.

        Args:
            memory_slots: N; of an NTM at least 2 * shift_range + 1.

        Returns:
            A new model, on the same device, in the same training mode, with the same parameters frozen.
        """
        check_count("memory_slots", memory_slots)
        weight = self.cell.readout.weight
        config = {**self.config, "memory_slots": memory_slots}
        make = cast(Any, type(self))
        longer: Self = make(**config, backend=self.cell.backend, device=weight.device, dtype=weight.dtype)
        tensors = {name: tensor for name, tensor in self.state_dict().items() if not name.startswith("cell.first.")}
        longer.load_state_dict(tensors, strict=False)
        longer.cell.first.copy_stretched(self.cell.first)
        for own, parameter in zip(self.parameters(), longer.parameters(), strict=True):
            parameter.requires_grad_(own.requires_grad)
        return longer.train(self.training)
