"""The networks without an external memory that the papers compare with, over a whole sequence."""

from typing import Unpack

from tapehead.cells.baselines import BaselineCellOptions, LSTMCell, LSTMState, RNNCell, RNNState
from tapehead.models.sequence_model import SequenceModel


class LSTM(SequenceModel[LSTMState]):
    """The papers' baseline: torch.nn.LSTM and a linear output layer.

    The defaults are those of Collier & Beel 2018: 3 layers of 256 units and a learned initial state. The outputs are
    logits.
    """

    cell: LSTMCell
    cell_type = LSTMCell
    saved_as = "lstm"

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        batch_first: bool = False,
        embedding_size: int | None = None,
        **options: Unpack[BaselineCellOptions],
    ) -> None:
        super().__init__(input_size, output_size, batch_first=batch_first, embedding_size=embedding_size, **options)


class RNN(SequenceModel[RNNState]):
    """The plain baseline: torch.nn.RNN (tanh) and a linear output layer. The outputs are logits."""

    cell: RNNCell
    cell_type = RNNCell
    saved_as = "rnn"

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        batch_first: bool = False,
        embedding_size: int | None = None,
        **options: Unpack[BaselineCellOptions],
    ) -> None:
        super().__init__(input_size, output_size, batch_first=batch_first, embedding_size=embedding_size, **options)
