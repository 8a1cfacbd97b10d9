"""What every recurrent machine can do, whatever is inside it."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeAlias, cast

import torch
from torch import Tensor, nn

from tapehead._arguments import check_count
from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead._state import State, copied, map_state

Scan: TypeAlias = tuple[Outputs, State, State | None]
"""A cell run over a sequence: outputs, the last state and, if asked for, every state, with the axis T in front."""


class Cell(nn.Module, ABC, Generic[State]):
    """A recurrent machine: parameters, a first state, one step, and many steps.

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

    @abstractmethod
    def first_state(self, batch_size: int) -> State:
        """Make the state before the first step, for reading only: its sequences, and the cell, may share memory."""

    def initial_state(self, batch_size: int) -> State:
        """Make the state before the first step, for a batch; its tensors are the caller's, to change as well."""
        check_count("batch_size", batch_size, least=0)
        return copied(self.first_state(batch_size))

    @abstractmethod
    def scan(
        self, inputs: Inputs, state: State, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[State]:
        """Go as many steps as there are inputs, from a state; arguments are taken as checked.

        Args:
            inputs: (T, B, input_size).
            state: The state before the first step.
            lengths: How many steps each sequence has, 0..T, (B,); afterwards its state stands still, its outputs are
                zero, and its inputs do not matter, whatever they are. None: all have T.
            keep_states: Whether to return the state after every step.
        """

    @property
    @abstractmethod
    def backend_in_use(self) -> str:
        """The name of the implementation that runs `scan` where the parameters are now."""

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Go one step.

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
        outputs, state, _ = self.run(rows.unsqueeze(0), self.state_or_first(state, len(rows), batched))
        if batched:
            return outputs[0], state
        return outputs[0, 0], map_state(lambda tensor: tensor.squeeze(0), state)

    def run(
        self, inputs: Tensor, state: State, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[State]:
        """Scan in the parameters' own type, also under autocast: an address rounded is an address missed."""
        inputs = inputs.to(next(self.parameters()).dtype)
        if not torch.is_autocast_enabled(inputs.device.type):
            return self.scan(inputs, state, lengths, keep_states=keep_states)
        with torch.autocast(inputs.device.type, enabled=False):
            return self.scan(inputs, state, lengths, keep_states=keep_states)

    def state_or_first(self, state: State | None, batch_size: int, batched: bool) -> State:
        """Check a state that a caller gave and put its batch axis in; without one, make the first."""
        if state is None:
            return self.first_state(batch_size)
        self.check_state(state, batch_size if batched else None)
        return state if batched else map_state(lambda tensor: tensor.unsqueeze(0), state)

    def check_inputs(self, inputs: Tensor, axes: tuple[str, ...]) -> None:
        """Raise unless the inputs are a tensor of these axes (the batch may be missing) and `input_size` channels."""
        weight = next(self.parameters())
        if not isinstance(inputs, Tensor):
            raise TypeError(f"inputs: expected {self._inputs_in_words(axes)}, not {type(inputs).__name__}")
        if inputs.dim() not in (len(axes), len(axes) + 1) or inputs.shape[-1] != self.input_size:
            raise ValueError(f"inputs: expected {self._inputs_in_words(axes)}, not {tuple(inputs.shape)}")
        cast = inputs.is_floating_point() and torch.is_autocast_enabled(weight.device.type)
        if inputs.dtype != weight.dtype and not cast:
            raise TypeError(f"inputs: expected {weight.dtype}, as the model's parameters have, not {inputs.dtype}")
        if inputs.device != weight.device:
            raise ValueError(
                f"inputs: expected a tensor on {weight.device}, where the model is, not on {inputs.device}"
            )

    def _inputs_in_words(self, axes: tuple[str, ...]) -> str:
        fewer = tuple(axis for axis in axes if axis != "B")
        shapes = [str((*some, self.input_size)).replace("'", "") for some in (axes, fewer)]
        return f"a tensor of shape {shapes[0]} or {shapes[1]}"

    def check_state(self, state: State, batch_size: int | None) -> None:
        """Raise unless this is a state of this machine for that batch (None: one sequence, without a batch axis)."""
        like = self.first_state(0)
        if type(state) is not type(like):
            kind = type(like).__name__
            raise TypeError(f"state: expected a {kind}, as the model returns it, not {type(state).__name__}")
        batch = () if batch_size is None else (batch_size,)
        for name, tensor, wanted in zip(cast(Any, like)._fields, state, like, strict=True):
            shape = (*batch, *wanted.shape[1:])
            if not isinstance(tensor, Tensor):
                raise TypeError(f"state.{name}: expected a tensor of shape {shape}, not {type(tensor).__name__}")
            if tuple(tensor.shape) != shape:
                raise ValueError(f"state.{name}: expected a tensor of shape {shape}, not {tuple(tensor.shape)}")
            if tensor.dtype != wanted.dtype:
                raise TypeError(f"state.{name}: expected {wanted.dtype}, not {tensor.dtype}")
            if tensor.device != wanted.device:
                raise ValueError(f"state.{name}: expected a tensor on {wanted.device}, not on {tensor.device}")
