"""What every recurrent cell can do, whatever is inside it."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeAlias, cast

import torch
from torch import Tensor, nn

from tapehead._arguments import check_count
from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead._state import State, clone_state, map_state

Scan: TypeAlias = tuple[Outputs, State, State | None]
"""The result of running a cell over a sequence: outputs, last state and, if asked for, all states, stacked over T."""


class Cell(nn.Module, ABC, Generic[State]):
    """A recurrent cell: parameters, an initial state, one step, and many steps.

    Attributes:
        input_size: Channels of an input.
        output_size: Channels of an output.
    """

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__()
        check_count("input_size", input_size)
        check_count("output_size", output_size)
        self.input_size = input_size
        self.output_size = output_size

    def reset_parameters(self) -> None:
        """Initialize all parameters and the initial state again, with torch's random generator.

        Raises:
            NotImplementedError: A cell of one's own does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define reset_parameters")

    @abstractmethod
    def expand_initial_state(self, batch_size: int) -> State:
        """Return the initial state expanded to a batch, read-only: its sequences and the cell may share memory.

        Args:
            batch_size: B, the number of sequences.
        """

    def initial_state(self, batch_size: int) -> State:
        """Return the initial state of a batch, in new tensors that may be changed in place.

        Args:
            batch_size: B, the number of sequences.
        """
        check_count("batch_size", batch_size, least=0)
        return clone_state(self.expand_initial_state(batch_size))

    @abstractmethod
    def scan(
        self, inputs: Inputs, state: State, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[State]:
        """Run over all time steps of the inputs, from a state; the arguments are not checked.

        Args:
            inputs: (T, B, input_size).
            state: The state before the first step.
            lengths: The number of steps of each sequence, 0..T, (B,); after them its state does not change, its outputs
                are zero, and its inputs are ignored, whatever they are. None: all have T.
            keep_states: Whether to return the state after every step.

        Returns:
            The outputs (logits), (T, B, output_size); the last state; and with `keep_states` all states, each tensor
            with the axis T in front, else None.
        """

    @property
    @abstractmethod
    def backend_in_use(self) -> str:
        """The name of the implementation that runs `scan` on the parameters' device."""

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run one step.

        Args:
            inputs: (B, input_size), or (input_size,) for one sequence.
            state: The state before the step; None: the initial state. For one sequence, without its batch axis.

        Returns:
            The output, (B, output_size) or (output_size,), and the state after the step.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument's shape does not fit the cell.
        """
        self.check_inputs(inputs, ("B",))
        batched = inputs.dim() == 2
        rows = inputs if batched else inputs.unsqueeze(0)
        outputs, state, _ = self.run(rows.unsqueeze(0), self.prepare_state(state, len(rows), batched))
        if batched:
            return outputs[0], state
        return outputs[0, 0], map_state(lambda tensor: tensor.squeeze(0), state)

    def run(
        self, inputs: Tensor, state: State, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[State]:
        """Scan in the parameters' own dtype, under autocast too: addressing is too sensitive to rounding for less."""
        inputs = inputs.to(next(self.parameters()).dtype)
        if not _autocasts(inputs.device):
            return self.scan(inputs, state, lengths, keep_states=keep_states)
        with torch.autocast(inputs.device.type, enabled=False):
            return self.scan(inputs, state, lengths, keep_states=keep_states)

    def prepare_state(self, state: State | None, batch_size: int, batched: bool) -> State:
        """Check a caller's state and add its batch axis where it has none; for None, take the initial state."""
        if state is None:
            return self.expand_initial_state(batch_size)
        self.check_state(state, batch_size if batched else None)
        return state if batched else map_state(lambda tensor: tensor.unsqueeze(0), state)

    def check_inputs(self, inputs: Tensor, axes: tuple[str, ...]) -> None:
        """Raise unless the inputs are a tensor of these axes (the batch may be missing) and `input_size` channels."""
        weight = next(self.parameters())
        if not isinstance(inputs, Tensor):
            raise TypeError(f"inputs: expected {self._describe_inputs(axes)}, not {type(inputs).__name__}")
        check_dense("inputs", inputs)
        if inputs.dim() not in (len(axes), len(axes) + 1) or inputs.shape[-1] != self.input_size:
            raise ValueError(f"inputs: expected {self._describe_inputs(axes)}, not {tuple(inputs.shape)}")
        will_be_cast = inputs.is_floating_point() and _autocasts(weight.device)
        if inputs.dtype != weight.dtype and not will_be_cast:
            raise TypeError(f"inputs: expected {weight.dtype}, the dtype of the parameters, not {inputs.dtype}")
        if inputs.device != weight.device:
            raise ValueError(
                f"inputs: expected a tensor on {weight.device}, where the parameters are, not on {inputs.device}"
            )

    def _describe_inputs(self, axes: tuple[str, ...]) -> str:
        unbatched = tuple(axis for axis in axes if axis != "B")
        shapes = [str((*some, self.input_size)).replace("'", "") for some in (axes, unbatched)]
        return f"a tensor of shape {shapes[0]} or {shapes[1]}"

    def expand_like(self, state: State, batch_size: int = 0) -> State:  # noqa: ARG002 - some cells' sizes depend on it
        """Return an initial state of the sizes that a state that a caller gave may have; see `expand_initial_state`."""
        return self.expand_initial_state(batch_size)

    def check_state(self, state: State, batch_size: int | None) -> None:
        """Raise unless this is a state of this cell for that batch (None: one sequence, without a batch axis)."""
        own = type(self.expand_initial_state(0))
        if type(state) is not own:
            kind = own.__name__
            raise TypeError(f"state: expected type {kind}, as the model returns it, not {type(state).__name__}")
        like = self.expand_like(state)
        batch = () if batch_size is None else (batch_size,)
        for name, tensor, expected in zip(cast(Any, like)._fields, state, like, strict=True):
            shape = (*batch, *expected.shape[1:])
            if not isinstance(tensor, Tensor):
                raise TypeError(f"state.{name}: expected a tensor of shape {shape}, not {type(tensor).__name__}")
            check_dense(f"state.{name}", tensor)
            if tuple(tensor.shape) != shape:
                raise ValueError(f"state.{name}: expected a tensor of shape {shape}, not {tuple(tensor.shape)}")
            if tensor.dtype != expected.dtype:
                raise TypeError(f"state.{name}: expected {expected.dtype}, not {tensor.dtype}")
            if tensor.device != expected.device:
                raise ValueError(f"state.{name}: expected a tensor on {expected.device}, not on {tensor.device}")


def check_dense(name: str, tensor: Tensor) -> None:
    """Raise if a tensor is sparse or nested."""
    if tensor.is_nested:
        raise ValueError(f"{name}: expected a dense tensor, not a nested one")
    if tensor.layout != torch.strided:
        raise ValueError(f"{name}: expected a dense tensor, not one of layout {tensor.layout}; to_dense() makes one")


def _autocasts(device: torch.device) -> bool:
    return torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type)
