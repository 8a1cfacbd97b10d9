"""The networks without a memory that the papers compare with, over a whole sequence."""

import torch

from tapehead.cells.baselines import LSTMCell, LSTMState, RNNCell, RNNState, StateInit
from tapehead.models._sequence import SequenceModel, constructor_arguments


class LSTM(SequenceModel[LSTMState]):
    """The papers' baseline: torch.nn.LSTM and a linear read-out (3 x 256 units and a learned first state in [C]).

    Its outputs are logits. The arguments are those of `BaselineCell`, and:

    Args:
        batch_first: Whether inputs and outputs are (B, T, channels) rather than (T, B, channels).
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        hidden_size: int = 256,
        num_layers: int = 3,
        state_init: StateInit = "learned",
        batch_first: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        config = constructor_arguments(locals())
        cell_config = {name: value for name, value in config.items() if name != "batch_first"}
        super().__init__(LSTMCell(**cell_config, device=device, dtype=dtype), batch_first, config)


class RNN(SequenceModel[RNNState]):
    """The plain baseline: torch.nn.RNN (tanh) and a linear read-out.

    Its outputs are logits. The arguments are those of `BaselineCell`, and:

    Args:
        batch_first: Whether inputs and outputs are (B, T, channels) rather than (T, B, channels).
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        hidden_size: int = 256,
        num_layers: int = 3,
        state_init: StateInit = "learned",
        batch_first: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        config = constructor_arguments(locals())
        cell_config = {name: value for name, value in config.items() if name != "batch_first"}
        super().__init__(RNNCell(**cell_config, device=device, dtype=dtype), batch_first, config)
