"""Neural Turing Machines that train."""

import tapehead_launcher

if tapehead_launcher.is_module_run():  # then these imports come before `__main__`
    tapehead_launcher.end_on_interrupt()

import torch

from tapehead._state import detach, map_state
from tapehead.cells.baselines import LSTMState, RNNState
from tapehead.cells.dnc import DNCCell
from tapehead.cells.ntm import NTMCell
from tapehead.kernels import backends
from tapehead.kernels.backend import UnsupportedError
from tapehead.maths.dnc import DNCState
from tapehead.maths.ntm import NTMState
from tapehead.models import DNC, LSTM, NTM, RNN, load
from tapehead.models.onnx import export_onnx
from tapehead.models.sequence_model import Trace
from tapehead.pretrained import pretrained

__version__ = "0.2.0"

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
    "UnsupportedError",
    "backends",
    "detach",
    "export_onnx",
    "load",
    "map_state",
    "pretrained",
]

# So that torch.load reads a state or a trace that torch.save wrote.
torch.serialization.add_safe_globals([NTMState, DNCState, LSTMState, RNNState, Trace])
