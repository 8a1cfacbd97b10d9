"""The networks without a memory that the papers compare with: torch's own, a first state, and a linear read-out."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from tapehead._arguments import check_choice, check_count, check_device, check_dtype
from tapehead._shapes import Inputs, Layers, Lengths
from tapehead._state import State, copied, hold_finished, stack_states
from tapehead.cells._cell import Cell, Scan
from tapehead.cells._controllers import reset_linear
from tapehead.kernels.unroll import clear_padding

StateInit = Literal["learned", "zero"]


class LSTMState(NamedTuple):
    """What an LSTM carries from step to step; the batch axis comes first, unlike in torch.nn.LSTM."""

    hidden: Layers  # (B, L, D)
    cell: Layers  # (B, L, D)


class RNNState(NamedTuple):
    """What a plain recurrent network carries from step to step; the batch axis comes first, unlike in torch.nn.RNN."""

    hidden: Layers  # (B, L, D)


class BaselineCell(Cell[State]):
    """A recurrent network of torch's, and a linear layer on its top layer's units.

    Args:
        input_size: Channels of an input.
        output_size: Channels of an output.
        hidden_size: D, units of a layer.
        num_layers: L.
        state_init: The first state: `learned` (a parameter, at first zero; Collier & Beel 2018) or `zero`.
        device: Where the parameters are made.
        dtype: What they are made as.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    network: ClassVar[type[nn.LSTM] | type[nn.RNN]]
    state_type: ClassVar[type[LSTMState] | type[RNNState]]
    first: nn.Parameter | None

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        hidden_size: int = 256,
        num_layers: int = 3,
        state_init: StateInit = "learned",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(input_size, output_size)
        check_device(device)
        check_dtype(dtype)
        check_count("hidden_size", hidden_size)
        check_count("num_layers", num_layers)
        check_choice("state_init", state_init, get_args(StateInit))
        self.recurrence = self.network(input_size, hidden_size, num_layers, device=device, dtype=dtype)
        self.readout = nn.Linear(hidden_size, output_size, device=device, dtype=dtype)
        reset_linear(self.readout)
        shape = (len(self.state_type._fields), num_layers, hidden_size)
        learned = state_init == "learned"
        self.first = nn.Parameter(torch.zeros(shape, device=device, dtype=dtype)) if learned else None

    def first_state(self, batch_size: int) -> State:
        """Make the state before the first step, for reading only; see `Cell.first_state`."""
        layers, units = self.recurrence.num_layers, self.recurrence.hidden_size
        names = self.state_type._fields
        first = self.readout.weight.new_zeros(len(names), layers, units) if self.first is None else self.first
        return cast(State, self.state_type(*(tensor.expand(batch_size, -1, -1) for tensor in first)))

    def scan(
        self, inputs: Inputs, state: State, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[State]:
        """Go as many steps as there are inputs; see `Cell.scan`."""
        inputs = clear_padding(inputs, lengths)
        if keep_states or 0 in inputs.shape[:2]:  # torch's packing wants a step and a sequence
            return self._scan_step_by_step(inputs, state, lengths)
        if lengths is None:
            units, state = self._run(inputs, state)
            return self.readout(units), state, None
        # Packing wants every sequence to have a step; those without any get their state and outputs put right after it.
        packed = pack_padded_sequence(inputs, lengths.clamp(min=1).cpu(), enforce_sorted=False)
        units, after = self._run(packed, state)
        units, _ = pad_packed_sequence(units, total_length=inputs.shape[0])
        running = torch.arange(inputs.shape[0], device=inputs.device).unsqueeze(-1) < lengths
        outputs = torch.where(running.unsqueeze(-1), self.readout(units), 0.0)
        return outputs, hold_finished(lengths > 0, after, state), None

    def _scan_step_by_step(self, inputs: Inputs, state: State, lengths: Lengths | None) -> Scan[State]:
        """Keep the state after every step, which torch's networks do not return."""
        outputs, states = [inputs.new_empty(0, inputs.shape[1], self.output_size)], []
        for step in range(inputs.shape[0]):
            units, after = self._run(inputs[step : step + 1], state)
            running = torch.ones_like(inputs[0, :, 0], dtype=torch.bool) if lengths is None else step < lengths
            outputs.append(torch.where(running.unsqueeze(-1), self.readout(units), 0.0))
            state = hold_finished(running, after, state)
            states.append(state)
        return torch.cat(outputs), state if states else copied(state), stack_states(states, state)

    @abstractmethod
    def _run(self, inputs: Tensor | PackedSequence, state: State) -> tuple[Any, State]:
        """Run torch's network from a state; the top layer's units come as the inputs did, packed or not."""

    @property
    def backend_in_use(self) -> str:
        """The baselines run on torch's own implementation."""
        return "torch"

    def extra_repr(self) -> str:
        """Say what the parts below do not show."""
        return f"state_init={'zero' if self.first is None else 'learned'} (runs {self.backend_in_use})"


class LSTMCell(BaselineCell[LSTMState]):
    """One step of torch.nn.LSTM with a read-out."""

    network = nn.LSTM
    state_type = LSTMState

    def _run(self, inputs: Tensor | PackedSequence, state: LSTMState) -> tuple[Any, LSTMState]:
        units, (hidden, cell) = self.recurrence(inputs, (_layers_first(state.hidden), _layers_first(state.cell)))
        return units, LSTMState(hidden.transpose(0, 1), cell.transpose(0, 1))


class RNNCell(BaselineCell[RNNState]):
    """One step of torch.nn.RNN (tanh) with a read-out."""

    network = nn.RNN
    state_type = RNNState

    def _run(self, inputs: Tensor | PackedSequence, state: RNNState) -> tuple[Any, RNNState]:
        units, hidden = self.recurrence(inputs, _layers_first(state.hidden))
        return units, RNNState(hidden.transpose(0, 1))


def _layers_first(state: Tensor) -> Tensor:
    return state.transpose(0, 1).contiguous()
