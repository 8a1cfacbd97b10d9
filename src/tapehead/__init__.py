"""Neural Turing Machines that train."""

from tapehead._state import map_state
from tapehead.cells.baselines import LSTMState, RNNState
from tapehead.cells.dnc import DNCCell
from tapehead.cells.ntm import NTMCell
from tapehead.kernels._backend import Unsupported
from tapehead.maths.dnc import DNCState
from tapehead.maths.ntm import NTMState
from tapehead.models import DNC, LSTM, NTM, RNN, load
from tapehead.models._sequence import Trace

__version__ = "0.1.0"

__all__ = [
    "DNC",
    "LSTM",
    "NTM",
    "RNN",
    "DNCCell",
    "DNCState",
    "LSTMState",
    "NTMCell",
    "NTMState",
    "RNNState",
    "Trace",
    "Unsupported",
    "load",
    "map_state",
]
