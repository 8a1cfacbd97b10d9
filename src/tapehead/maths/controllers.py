"""One step of a controller: a single layer, and all layers."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import linear

from tapehead._shapes import Input, Layers, Reads, Units

Controller = Literal["lstm", "gru", "feedforward"]
"""The kinds of controller: an LSTM and a GRU have a state of their own, a feedforward layer has none."""


def lstm(
    inputs: Tensor, hidden: Units, cell: Units, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor
) -> tuple[Units, Units]:
    """Run one step of an LSTM layer, with torch.nn.LSTM's order of gates: input, forget, cell, output.

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


def gru(inputs: Tensor, hidden: Units, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> Units:
    """Run one step of a GRU layer (Cho et al. 2014) as torch.nn.GRU does, with its order of gates: r, u, n.

    r, u = sigmoid(.) of W_ih x + b_ih + W_hh h + b_hh; n = tanh(W_ih x + b_ih + r (W_hh h + b_hh));
    h <- (1 - u) n + u h.

    Args:
        inputs: x, (B, fan_in).
        hidden: h, (B, D).
        weight_ih: W_ih, (3 D, fan_in).
        weight_hh: W_hh, (3 D, D).
        bias_ih: b_ih, (3 D,).
        bias_hh: b_hh, (3 D,).

    Returns:
        The new h, (B, D).
    """
    from_inputs, from_hidden = linear(inputs, weight_ih, bias_ih), linear(hidden, weight_hh, bias_hh)
    reset, keep, new = from_inputs.chunk(3, dim=-1)
    reset_hidden, keep_hidden, new_hidden = from_hidden.chunk(3, dim=-1)
    candidate = torch.tanh(new + torch.sigmoid(reset + reset_hidden) * new_hidden)
    return torch.lerp(candidate, hidden, torch.sigmoid(keep + keep_hidden))


def feedforward(inputs: Tensor, weight: Tensor, bias: Tensor) -> Units:
    """Run one hidden layer: h = tanh(W x + b).

    Args:
        inputs: x, (B, fan_in).
        weight: W, (D, fan_in).
        bias: b, (D,).

    Returns:
        h, (B, D).
    """
    return torch.tanh(linear(inputs, weight, bias))


def control(
    controller: Controller,
    layers: tuple[tuple[Tensor, ...], ...],
    inputs: Input,
    reads: Reads,
    hidden: Layers,
    cell: Layers,
) -> tuple[Units, Layers, Layers]:
    """Run all layers of the controller; the lowest one sees the input and the previous reads.

    Args:
        controller: `lstm`, `gru` or `feedforward`.
        layers: The weights of each layer, as `lstm`, `gru` or `feedforward` takes them.
        inputs: x_t, (B, I).
        reads: r_{t-1}, (B, R, W).
        hidden: h of every layer, (B, L, D); of a feedforward controller, which has no state, (B, 0, D).
        cell: c of every layer, shaped as `hidden`; only an LSTM reads and changes it.

    Returns:
        The top layer's units, (B, D), and every layer's new h and c.
    """
    below = torch.cat([inputs, reads.flatten(1)], dim=-1)
    if controller == "feedforward":
        ((weight, bias),) = layers
        return feedforward(below, weight, bias), hidden, cell
    new_hidden, new_cell = [], []
    if controller == "gru":
        for layer, weights in enumerate(layers):
            below = gru(below, hidden[:, layer], *weights)
            new_hidden.append(below)
        return below, torch.stack(new_hidden, dim=1), cell
    for layer, weights in enumerate(layers):
        below, layer_cell = lstm(below, hidden[:, layer], cell[:, layer], *weights)
        new_hidden.append(below)
        new_cell.append(layer_cell)
    return below, torch.stack(new_hidden, dim=1), torch.stack(new_cell, dim=1)


def clip(values: Tensor, bound: float | None) -> Tensor:
    """Clamp values to [-bound, bound] (Collier & Beel 2018).

    Args:
        values: Of any shape.
        bound: None: leave them as they are.

    Returns:
        The clamped values, of the same shape.
    """
    return values if bound is None else values.clamp(-bound, bound)
