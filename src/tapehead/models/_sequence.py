"""torch.nn.LSTM's interface, for any cell."""

import json
from abc import ABC
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, overload

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from tapehead._arguments import check_flag
from tapehead._files import write_atomically
from tapehead._shapes import Inputs, Lengths
from tapehead._state import State, map_state
from tapehead.cells._cell import Cell

METADATA_KEY = "tapehead"


class Trace(NamedTuple, Generic[State]):
    """A run of a model, step by step.

    `outputs` are laid out as the model returns them; the tensors of `states` are those of a state with the axis T in
    front, whatever `batch_first` is.
    """

    outputs: Tensor
    states: State


class SequenceModel(nn.Module, ABC, Generic[State]):
    """A cell over a whole sequence, called as torch.nn.LSTM is.

    Attributes:
        cell: One step of the model.
        batch_first: Whether inputs and outputs are (B, T, channels) rather than (T, B, channels).
        config: The constructor's arguments, but for where the model is and what runs it.
    """

    def __init__(self, cell: Cell[State], batch_first: bool, config: dict[str, Any]) -> None:
        super().__init__()
        check_flag("batch_first", batch_first)
        self.cell = cell
        self.batch_first = batch_first
        self.config = config

    @overload
    def forward(
        self, inputs: Tensor, state: State | None = None, *, lengths: Tensor | Sequence[int] | None = None
    ) -> tuple[Tensor, State]: ...

    @overload
    def forward(self, inputs: PackedSequence, state: State | None = None) -> tuple[PackedSequence, State]: ...

    def forward(
        self,
        inputs: Tensor | PackedSequence,
        state: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Tensor | PackedSequence, State]:
        """Run over a batch of sequences, or over one.

        Args:
            inputs: (T, B, input_size), with batch_first (B, T, input_size), or (T, input_size); or a PackedSequence.
            state: The state to go on from; None: the initial state. For one sequence, without its batch axis.
            lengths: How many steps each sequence has, 0..T, (B,); afterwards its state stands still and its outputs
                are zero. None: all have T.

        Returns:
            The outputs (logits), laid out as the inputs, with output_size channels; and the state after the last step.
            Under autocast both keep the parameters' own type: an address rounded is an address missed.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument's shape or value does not fit.
        """
        if isinstance(inputs, PackedSequence):
            if lengths is not None:
                raise ValueError(f"lengths: expected None beside a PackedSequence, which has its own, not {lengths}")
            return self._forward_packed(inputs, state)
        outputs, state, _ = self._run(inputs, state, lengths, keep_states=False)
        return outputs, state

    def trace(
        self, inputs: Tensor, state: State | None = None, *, lengths: Tensor | Sequence[int] | None = None
    ) -> Trace[State]:
        """Run as `forward` does and keep the state after every step, for looking at; no gradients are recorded.

        Args:
            inputs: As for `forward`, but not packed.
            state: As for `forward`.
            lengths: As for `forward`.

        Returns:
            The outputs, and the states of all steps: for a batch, each tensor has the axes T and B in front.
        """
        with torch.no_grad():
            outputs, _, states = self._run(inputs, state, lengths, keep_states=True)
        return Trace(outputs, states)

    def initial_state(self, batch_size: int) -> State:
        """Make the state before the first step, for a batch; its tensors are the caller's, to change as well."""
        return self.cell.initial_state(batch_size)

    @property
    def backend_in_use(self) -> str:
        """The name of the implementation that runs a sequence where the model is now."""
        return self.cell.backend_in_use

    def save(self, path: str | Path) -> None:
        """Write weights and constructor arguments to one safetensors file; a crash leaves no half of one.

        Args:
            path: The file to write, for `tapehead.load`.
        """
        tensors = {name: tensor.detach().contiguous() for name, tensor in self.state_dict().items()}
        described = json.dumps({"model": type(self).__name__.lower(), "config": self.config}, sort_keys=True)
        write_atomically(Path(path), save(tensors, {METADATA_KEY: described}))

    def _forward_packed(self, inputs: PackedSequence, state: State | None) -> tuple[PackedSequence, State]:
        padded, lengths = pad_packed_sequence(inputs, batch_first=self.batch_first)
        outputs, state, _ = self._run(padded, state, lengths.to(padded.device), keep_states=False)
        if inputs.sorted_indices is not None:
            outputs = outputs.index_select(0 if self.batch_first else 1, inputs.sorted_indices)
            lengths = lengths[inputs.sorted_indices.cpu()]
        data = pack_padded_sequence(outputs, lengths, batch_first=self.batch_first).data
        return PackedSequence(data, inputs.batch_sizes, inputs.sorted_indices, inputs.unsorted_indices), state

    def _run(
        self, inputs: Tensor, state: State | None, lengths: Tensor | Sequence[int] | None, keep_states: bool
    ) -> tuple[Tensor, State, Any]:
        """Check the arguments, bring them to (T, B, channels), run, and bring the results back."""
        self.cell.check_inputs(inputs, ("B", "T") if self.batch_first else ("T", "B"))
        batched = inputs.dim() == 3
        batch_axis = 0 if batched and self.batch_first else 1
        steps = inputs.transpose(0, 1) if batch_axis == 0 else inputs if batched else inputs.unsqueeze(1)
        state = self.cell.state_or_first(state, steps.shape[1], batched)
        ends = None if lengths is None else _checked_lengths(lengths, steps, batched)
        outputs, state, states = self.cell.run(steps, state, ends, keep_states=keep_states)
        if not batched:
            outputs, state = outputs.squeeze(1), map_state(lambda tensor: tensor.squeeze(0), state)
            states = None if states is None else map_state(lambda tensor: tensor.squeeze(1), states)
        return outputs.transpose(0, 1) if batch_axis == 0 else outputs, state, states


def constructor_arguments(local_names: dict[str, Any]) -> dict[str, Any]:
    """Pick what describes a model out of its constructor's `locals()`: all but where it is and what runs it."""
    return {
        name: value
        for name, value in local_names.items()
        if name not in {"self", "__class__", "backend", "device", "dtype"}
    }


def _checked_lengths(lengths: object, steps: Inputs, batched: bool) -> Lengths:
    time, batch = steps.shape[:2]
    expected = f"{batch} whole numbers from 0 to {time}"
    if not batched:
        raise ValueError(f"lengths: expected None for one sequence without a batch axis, not {lengths}")
    if not isinstance(lengths, Tensor):
        if not isinstance(lengths, Sequence) or any(type(length) is not int for length in lengths):
            raise TypeError(f"lengths: expected {expected}, not {lengths!r}")
        if len(lengths) != batch or not all(0 <= length <= time for length in lengths):
            raise ValueError(f"lengths: expected {expected}, not {lengths!r}")
        return torch.tensor(lengths, dtype=torch.int64, device=steps.device)
    if lengths.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8):
        raise TypeError(f"lengths: expected {expected}, not {lengths.dtype}")
    if lengths.shape != (batch,):
        raise ValueError(f"lengths: expected {expected}, not a tensor of shape {tuple(lengths.shape)}")
    if not torch.compiler.is_compiling():
        listed = lengths.tolist()
        if not all(0 <= length <= time for length in listed):
            raise ValueError(f"lengths: expected {expected}, not {listed}")
    return lengths.to(steps.device, torch.int64)
