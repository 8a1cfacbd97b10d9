"""What stays torch's around a recurrence: the products that do not depend on it, and the choice among its states.

States are counted from the initial one on, in tensors with an axis of T + 1 places in front: the place of each is the
number of steps before it.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels.triton.launch import count_warps, transposed
from tapehead.maths.controllers import clip


@dataclass(frozen=True)
class Sizes:
    """What the kernels of every model are compiled for; what is counted in powers of 2 is the next one."""

    slots: int
    width: int
    reads: int  # read heads
    heads: int
    units: int
    layers: int
    gates: int  # sums of a layer
    lstm: bool
    clip: float | None
    floor: float  # of norms
    tiny: float  # the smallest normal number
    keep_states: bool
    every: int  # the memory is kept at every so many steps
    parameters: int  # of all heads
    block_rows: int
    block_columns: int
    block_slots: int
    slots_power: int
    width_power: int

    @property
    def warps(self) -> int:
        """The warps of a program."""
        return count_warps(self.heads, self.slots, self.width)


class Controller(NamedTuple):
    """What the controller and the head layer are given; a feedforward controller has one layer of units too."""

    gates_in: Tensor  # W_ih x + b of the first layer, (T, B, G)
    w_reads: Tensor  # (G, R*W)
    w_hidden: Tensor  # (L, G, D); of a feedforward controller (0,)
    w_below: Tensor  # (L - 1, G, D); of a single layer (0,), as the next
    b_below: Tensor  # (L - 1, G)
    w_heads: Tensor  # (P, D)
    b_heads: Tensor  # (P,)

    def turned(self) -> list[Tensor]:
        """The weights as a forward pass reads them, rows and columns exchanged."""
        weights = [transposed(self.w_reads)]
        weights += [transposed(tensor) if tensor.numel() else tensor for tensor in (self.w_hidden, self.w_below)]
        return [*weights, self.b_below, transposed(self.w_heads), self.b_heads]


def give_controller(
    inputs: Inputs, layers: tuple[tuple[Tensor, ...], ...], head_weight: Tensor, head_bias: Tensor, is_lstm: bool
) -> Controller:
    """Gather what the controller and the head layer need; the product of the inputs is taken here."""
    channels, first, nothing = inputs.shape[2], layers[0], inputs.new_zeros(0)
    several = len(layers) > 1
    return Controller(
        linear(inputs, first[0][:, :channels], first[-1]),
        first[0][:, channels:],
        torch.stack([layer[1] for layer in layers]) if is_lstm else nothing,
        torch.stack([layer[0] for layer in layers[1:]]) if several else nothing,
        torch.stack([layer[2] for layer in layers[1:]]) if several else nothing,
        head_weight,
        head_bias,
    )


def give_units(state: Any, controller: Controller) -> tuple[Tensor, Tensor]:
    """Give the controller's hidden and cell before the first step; zeros for a feedforward one, which keeps none."""
    if state.hidden.shape[1]:
        return state.hidden, state.cell
    nothing = state.hidden.new_zeros(len(state.hidden), 1, controller.w_heads.shape[1])
    return nothing, nothing


def count_steps(inputs: Inputs, lengths: Lengths | None) -> Tensor:
    """Give how many steps each sequence has, (B,), where the inputs are."""
    steps, sequences, _ = inputs.shape
    if lengths is None:
        return torch.full((sequences,), steps, device=inputs.device)
    return lengths.to(inputs.device, torch.int64)


def read_out(hidden: Tensor, reads: Tensor, weights: Any, counts: Tensor | None, bound: float | None) -> Outputs:
    """Compute the outputs from every state's hidden (T + 1, B, L, D) and reads; after so many steps zeros."""
    seen = torch.cat([hidden[1:, :, -1], reads[1:].flatten(2)], dim=-1)
    outputs = clip(linear(seen, weights.output_weight, weights.output_bias), bound)
    if counts is None:
        return outputs
    running = torch.arange(len(outputs), device=counts.device).unsqueeze(1) < counts
    return torch.where(running.unsqueeze(-1), outputs, 0.0)


def places_after(steps: int, counts: Tensor) -> Tensor:
    """Give the place of the state after each step, (T, B); after its length a sequence's state stands still."""
    return torch.minimum(torch.arange(1, steps + 1, device=counts.device).unsqueeze(1), counts)


def take(tensor: Tensor, places: Tensor) -> Tensor:
    """Take, of (T + 1, B, ...), each sequence's numbers at its own places, (A, B)."""
    index = places.view(*places.shape, *[1] * (tensor.dim() - 2))
    return tensor.gather(0, index.expand(*places.shape, *tensor.shape[2:]))


def take_units(hidden: Tensor, cell: Tensor, places: Tensor, initial: Any) -> tuple[Tensor, Tensor]:
    """Take hidden and cell as a state has them: with no layers where the controller is feedforward."""
    if initial.hidden.shape[1] == 0:
        return (
            initial.hidden.expand(len(places), *initial.hidden.shape),
            initial.cell.expand(len(places), *initial.cell.shape),
        )
    return take(hidden, places), take(cell, places)


def weight_gradients(
    d_gates: Tensor, d_parameters: Tensor, reads: Tensor, hidden: Tensor, sizes: Sizes
) -> tuple[Tensor | None, ...]:
    """Give the gradients of what `Controller` holds, given those of all sums of the layers and of the head layer."""
    d_sums = d_gates.flatten(0, 1).unbind(1)
    before, after = (states.flatten(0, 1).unbind(1) for states in (hidden[:-1], hidden[1:]))
    d_raw = d_parameters.flatten(0, 1)
    lstm, several = sizes.lstm, sizes.layers > 1
    return (
        d_gates[:, :, 0],
        d_sums[0].T @ reads[:-1].flatten(0, 1).flatten(1),
        torch.stack([own.T @ units for own, units in zip(d_sums, before, strict=True)]) if lstm else None,
        torch.stack([own.T @ units for own, units in zip(d_sums[1:], after[:-1], strict=True)]) if several else None,
        torch.stack([own.sum(0) for own in d_sums[1:]]) if several else None,
        d_raw.T @ after[-1],
        d_raw.sum(0),
    )
