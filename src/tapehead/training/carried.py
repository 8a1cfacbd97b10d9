"""The state that a model carries from one training batch to the next, where a task has no end."""

from typing import Any

import torch
from torch import Tensor

from tapehead._state import detach
from tapehead.cells.cell import Cell
from tapehead.tasks import StreamTask, Task
from tapehead.training.curricula import Curriculum
from tapehead.training.ranks import Ranks


class CarriedState:
    """The state after the last batch, without gradients; of tasks whose sequences end there is none.

    Args:
        task: What is learned.
    """

    def __init__(self, task: Task) -> None:
        self._carries = isinstance(task, StreamTask)
        self.state: Any = None

    def keep(self, state: Any) -> None:
        """Keep the state after a batch, if the next one goes on from it."""
        if self._carries:
            self.state = detach(state)

    def is_finite(self) -> bool:
        """Say whether every number of it is finite."""
        return self.state is None or all(bool(torch.isfinite(tensor).all()) for tensor in self.state)

    def tensors(self) -> dict[str, Tensor]:
        """Give its tensors by name, for a checkpoint."""
        fields = {} if self.state is None else self.state._asdict()
        return {name: tensor.contiguous() for name, tensor in fields.items()}

    def load_tensors(self, cell: Cell[Any], tensors: dict[str, Tensor], sequences: int, device: torch.device) -> None:
        """Take what `tensors` gave.

        Raises:
            RuntimeError: It is no state of such a cell.
        """
        if not tensors:
            self.state = None
            return
        try:
            state = type(cell.expand_initial_state(0))(**{name: tensor.to(device) for name, tensor in tensors.items()})
            cell.check_state(state, sequences)
        except (TypeError, ValueError) as problem:
            raise RuntimeError(f"the state that is carried over: {problem}") from problem
        self.state = state


def check_can_carry(task: Task, curriculum: Curriculum, min_memory_slots: int | None, ranks: Ranks) -> None:
    """Raise if something does not go together with a state that is carried from batch to batch.

    Raises:
        ValueError: Something does not.
    """
    if not isinstance(task, StreamTask):
        return
    reason = f"since {type(task).__name__} carries the state of the model from batch to batch"
    if task.min_size != task.max_size:
        sizes = f"from {task.min_size} to {task.max_size}"
        raise ValueError(f"task: expected sequences of one size in training, {reason}, not {sizes}")
    if min_memory_slots is not None:
        raise ValueError(f"min_memory_slots: expected None, {reason}, not {min_memory_slots}")
    if curriculum.needs_gains:
        raise ValueError(f"curriculum: expected one that does not compare losses, {reason}")
    if ranks.size > 1:
        raise ValueError(f"task: expected one process, {reason}, not {ranks.size}")
