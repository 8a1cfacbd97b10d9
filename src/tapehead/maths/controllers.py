"""One layer of a controller, one step."""

import torch
from torch import Tensor
from torch.nn.functional import linear

from tapehead._shapes import Units


def lstm(
    inputs: Tensor, hidden: Units, cell: Units, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor
) -> tuple[Units, Units]:
    """One step of a long short-term memory, with torch.nn.LSTM's order of gates: input, forget, cell, output.

    i, f, o = sigmoid(.), z = tanh(.) of W_ih x + W_hh h + b; c <- f c + i z; h <- o tanh(c).

    Args:
        inputs: x, (B, fan_in).
        hidden: h, (B, D).
        cell: c, (B, D).
        weight_ih: W_ih, (4 D, fan_in).
        weight_hh: W_hh, (4 D, D).
        bias: b, (4 D,).

    Returns:
        The new h and c, each (B, D).
    """
    gates = linear(inputs, weight_ih, bias) + linear(hidden, weight_hh)
    input_gate, forget_gate, candidate, output_gate = gates.chunk(4, dim=-1)
    cell = torch.sigmoid(forget_gate) * cell + torch.sigmoid(input_gate) * torch.tanh(candidate)
    return torch.sigmoid(output_gate) * torch.tanh(cell), cell


def feedforward(inputs: Tensor, weight: Tensor, bias: Tensor) -> Units:
    """One hidden layer: h = tanh(W x + b).

    Args:
        inputs: x, (B, fan_in).
        weight: W, (D, fan_in).
        bias: b, (D,).

    Returns:
        h, (B, D).
    """
    return torch.tanh(linear(inputs, weight, bias))
