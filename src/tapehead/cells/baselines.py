"""The baselines without an external memory: torch's own networks, an initial state and a linear output layer."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple, TypedDict, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from tapehead._arguments import check_choice, check_count, check_device, check_dtype
from tapehead._shapes import Inputs, Layers, Lengths
from tapehead._state import State, clone_state, hold_finished, name_in_exports, stack_states
from tapehead.cells.cell import Cell, Scan
from tapehead.cells.layers import reset_linear
from tapehead.kernels.unroll import clear_padding

StateInit = Literal["learned", "zero"]


@name_in_exports
class LSTMState(NamedTuple):
    """The state of an LSTM; the batch axis comes first, unlike in torch.nn.LSTM.

    Attributes:
        hidden: The units of every layer, (B, L, D).
        cell: Their cells, (B, L, D).
    """

    hidden: Layers
    cell: Layers


@name_in_exports
class RNNState(NamedTuple):
    """The state of a plain recurrent network; the batch axis comes first, unlike in torch.nn.RNN.

    Attributes:
        hidden: The units of every layer, (B, L, D).
    """

    hidden: Layers


class BaselineCellOptions(TypedDict, total=False):
    """The options of `BaselineCell` for type checkers; its constructor declares and documents them."""

    hidden_size: int
    num_layers: int
    state_init: StateInit
    device: torch.device | str | None
    dtype: torch.dtype | None


class BaselineCell(Cell[State]):
    """One step of a recurrent network of torch's, and a linear layer on the top layer's hidden units.

    Args:
        input_size: Channels of an input.
        output_size: Channels of an output.
        hidden_size: Number of hidden units of each layer.
        num_layers: Layers of the network.
        state_init: The state before the first step: `learned` (a parameter that starts at zero; Collier & Beel 2018) or
            `zero`.
        device: The device of the parameters.
        dtype: The dtype of the parameters.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    network: ClassVar[type[nn.LSTM] | type[nn.RNN] | type[nn.GRU]]
    state_type: ClassVar[type[Any]]
    initial: nn.Parameter | None

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
        self.initial = nn.Parameter(torch.zeros(shape, device=device, dtype=dtype)) if learned else None

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialize all parameters again, with torch's random generator; a learned initial state starts at zero."""
        self.recurrence.reset_parameters()
        reset_linear(self.readout)
        if self.initial is not None:
            self.initial.zero_()

    def expand_initial_state(self, batch_size: int) -> State:
        """Expand the state before the first step to a batch, read-only; see `Cell.expand_initial_state`."""
        layers, units = self.recurrence.num_layers, self.recurrence.hidden_size
        count = len(self.state_type._fields)
        initial = next(self.parameters()).new_zeros(count, layers, units) if self.initial is None else self.initial
        return cast(State, self.state_type(*(tensor.expand(batch_size, -1, -1) for tensor in initial)))

    def scan(
        self, inputs: Inputs, state: State, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[State]:
        """Run as many steps as there are inputs; see `Cell.scan`."""
        inputs = clear_padding(inputs, lengths)
        step_by_step = keep_states or 0 in inputs.shape[:2]  # packing needs a step and a sequence
        if step_by_step or (lengths is not None and torch.compiler.is_exporting()):  # nor can it be exported
            return self._scan_step_by_step(inputs, state, lengths)
        if lengths is None:
            units, state = self.run_network(inputs, state)
            return self.readout(units), state, None
        # Packing needs a step in every sequence; the state and outputs of those without are put right afterwards.
        packed = pack_padded_sequence(inputs, lengths.clamp(min=1).cpu(), enforce_sorted=False)
        units, after = self.run_network(packed, state)
        units, _ = pad_packed_sequence(units, total_length=inputs.shape[0])
        running = torch.arange(inputs.shape[0], device=inputs.device).unsqueeze(-1) < lengths
        outputs = torch.where(running.unsqueeze(-1), self.readout(units), 0.0)
        return outputs, hold_finished(lengths > 0, after, state), None

    def _scan_step_by_step(self, inputs: Inputs, state: State, lengths: Lengths | None) -> Scan[State]:
        """Run step by step to keep the state after every step, which torch's networks do not return."""
        outputs, states = [inputs.new_empty(0, inputs.shape[1], self.output_size)], []
        for step in range(inputs.shape[0]):
            units, after = self.run_network(inputs[step : step + 1], state)
            running = torch.ones_like(inputs[0, :, 0], dtype=torch.bool) if lengths is None else step < lengths
            outputs.append(torch.where(running.unsqueeze(-1), self.readout(units), 0.0))
            state = hold_finished(running, after, state)
            states.append(state)
        return torch.cat(outputs), state if states else clone_state(state), stack_states(states, state)

    @abstractmethod
    def run_network(self, inputs: Tensor | PackedSequence, state: State) -> tuple[Any, State]:
        """Run torch's network from a state.

        Args:
            inputs: (T, B, input_size), or packed.
            state: The state before the first step.

        Returns:
            The hidden units of the top layer at every step, (T, B, D), packed if the inputs are; and the last state.
        """

    @property
    def backend_in_use(self) -> str:
        """The name of the implementation, which is torch's own."""
        return "torch"

    def extra_repr(self) -> str:
        """Say what the submodules do not show."""
        return f"state_init={'zero' if self.initial is None else 'learned'} (runs {self.backend_in_use})"


class LSTMCell(BaselineCell[LSTMState]):
    """One step of torch.nn.LSTM and a linear output layer."""

    network = nn.LSTM
    state_type = LSTMState

    def run_network(self, inputs: Tensor | PackedSequence, state: LSTMState) -> tuple[Any, LSTMState]:
        """Run torch.nn.LSTM; see `BaselineCell.run_network`."""
        units, (hidden, cell) = self.recurrence(inputs, (_layers_first(state.hidden), _layers_first(state.cell)))
        return units, LSTMState(hidden.transpose(0, 1), cell.transpose(0, 1))


class RNNCell(BaselineCell[RNNState]):
    """One step of torch.nn.RNN (tanh) and a linear output layer."""

    network = nn.RNN
    state_type = RNNState

    def run_network(self, inputs: Tensor | PackedSequence, state: RNNState) -> tuple[Any, RNNState]:
        """Run torch.nn.RNN; see `BaselineCell.run_network`."""
        units, hidden = self.recurrence(inputs, _layers_first(state.hidden))
        return units, RNNState(hidden.transpose(0, 1))


def _layers_first(state: Tensor) -> Tensor:
    return state.transpose(0, 1).contiguous()
