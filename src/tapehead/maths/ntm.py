"""One step of the Neural Turing Machine on explicit weights (Graves, Wayne, Danihelka 2014, arXiv 1410.5401)."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear, softplus

from tapehead._shapes import (
    Input,
    Keys,
    Layers,
    Memory,
    Output,
    PerHead,
    RawHeads,
    Reads,
    ReadWeightings,
    Rows,
    Shifts,
    Weightings,
    WriteWeightings,
)
from tapehead._state import name_in_exports
from tapehead.maths.addressing import content, interpolate, sharpen, shift
from tapehead.maths.controllers import Controller, clip, control
from tapehead.maths.memory import read, write

Addressing = Literal["content_and_location", "content"]
"""How a head finds its slots: content alone leaves out interpolation, shift and sharpening."""


class NTMOptions(NamedTuple):
    """The options of an NTM that change its equations.

    Attributes:
        controller: The kind of controller.
        read_heads: R.
        write_heads: H.
        memory_width: W.
        shift_range: The most slots that a head may move in one step, in either direction.
        addressing: By content and location, or by content alone.
        clip: Bound on outputs and raw head parameters; None: there is none.
    """

    controller: Controller
    read_heads: int
    write_heads: int
    memory_width: int
    shift_range: int
    addressing: Addressing
    clip: float | None

    @property
    def head_sizes(self) -> list[int]:
        """The sizes of the head layer's parts: key, beta, g, s, gamma of all heads; erase, add of the write heads.

        Within each part read heads come before write heads. Addressing by content alone has no g, s and gamma.
        """
        heads = self.read_heads + self.write_heads
        location = [heads, heads * (2 * self.shift_range + 1), heads]
        return [
            heads * self.memory_width,
            heads,
            *(location if self.addressing == "content_and_location" else [0, 0, 0]),
            self.write_heads * self.memory_width,
            self.write_heads * self.memory_width,
        ]


class NTMWeights(NamedTuple):
    """The weights that are used at every step; P is sum(head_sizes).

    Attributes:
        controller: A tuple for each layer: (W_ih (4D, fan_in), W_hh (4D, D), b (4D,)) for an LSTM, whose first layer
            has fan_in I + R*W, the others D; one tuple (W (D, I + R*W), b (D,)) for feedforward.
        head_weight: (P, D).
        head_bias: (P,).
        output_weight: (O, D + R*W).
        output_bias: (O,).
    """

    controller: tuple[tuple[Tensor, ...], ...]
    head_weight: Tensor
    head_bias: Tensor
    output_weight: Tensor
    output_bias: Tensor


@name_in_exports
class NTMState(NamedTuple):
    """The state that a Neural Turing Machine carries from one step to the next.

    Every tensor has the batch axis first; an unbatched state lacks it, a trace's states have the axis T before it. A
    feedforward controller has no state of its own: its `hidden` and `cell` have L = 0 layers.

    Attributes:
        memory: (B, N, W).
        read_weightings: Of every read head, (B, R, N).
        write_weightings: Of every write head, (B, H, N).
        reads: What was read, (B, R, W).
        hidden: The controller's units, (B, L, D).
        cell: The controller's cells, (B, L, D).
    """

    memory: Memory
    read_weightings: ReadWeightings
    write_weightings: WriteWeightings
    reads: Reads
    hidden: Layers
    cell: Layers


class HeadParameters(NamedTuple):
    """The parameters of all heads at one step, read heads first; the last two are of write heads only.

    Attributes:
        key: k in [-1, 1], (B, heads, W).
        strength: beta >= 0, (B, heads).
        gate: g in [0, 1]: 0 goes on from the last weighting, 1 takes the content's, (B, heads).
        shifts: s, the weights of all shifts from -shift_range to shift_range, (B, heads, S).
        sharpening: gamma >= 1, (B, heads).
        erase: e in [0, 1], (B, H, W).
        add: a in [-1, 1], (B, H, W).
    """

    key: Keys
    strength: PerHead
    gate: PerHead
    shifts: Shifts
    sharpening: PerHead
    erase: Rows
    add: Rows


def ntm_step(inputs: Input, state: NTMState, weights: NTMWeights, options: NTMOptions) -> tuple[Output, NTMState]:
    """Run one step: the controller sees the input and the previous reads, the heads read, then write (section 3).

    Every head addresses the memory as it was before the step, and reads come before writes.

    Args:
        inputs: x_t, (B, I).
        state: The state before the step.
        weights: The weights.
        options: The options.

    Returns:
        y_t, (B, O), as logits, and the state after the step.
    """
    hidden_top, hidden, cell = control(
        options.controller, weights.controller, inputs, state.reads, state.hidden, state.cell
    )
    heads = head_parameters(linear(hidden_top, weights.head_weight, weights.head_bias), options)
    previous = torch.cat([state.read_weightings, state.write_weightings], dim=-2)
    weightings = address(state.memory, previous, heads, options.addressing)
    read_weightings, write_weightings = weightings.split([options.read_heads, options.write_heads], dim=-2)
    reads = read(state.memory, read_weightings)
    memory = state.memory
    for head in range(options.write_heads):
        memory = write(memory, write_weightings[:, head], heads.erase[:, head], heads.add[:, head])
    output = linear(torch.cat([hidden_top, reads.flatten(1)], dim=-1), weights.output_weight, weights.output_bias)
    return clip(output, options.clip), NTMState(memory, read_weightings, write_weightings, reads, hidden, cell)


def head_parameters(raw: RawHeads, options: NTMOptions) -> HeadParameters:
    """Split the head layer's output and bring each part into its range (section 3.3; the clip is Collier & Beel's).

    Args:
        raw: The head layer's output, (B, P), laid out as `NTMOptions.head_sizes` says.
        options: The options.

    Returns:
        k = tanh, beta = softplus, g = sigmoid, s = softmax, gamma = 1 + softplus, e = sigmoid, a = tanh.
    """
    heads, offsets = options.read_heads + options.write_heads, 2 * options.shift_range + 1
    key, strength, gate, shifts, sharpening, erase, add = clip(raw, options.clip).split(options.head_sizes, dim=-1)
    return HeadParameters(
        key=torch.tanh(key).unflatten(-1, (heads, options.memory_width)),
        strength=softplus(strength),
        gate=torch.sigmoid(gate),
        shifts=torch.softmax(shifts.unflatten(-1, (shifts.shape[-1] // offsets, offsets)), dim=-1),
        sharpening=1 + softplus(sharpening),
        erase=torch.sigmoid(erase).unflatten(-1, (options.write_heads, options.memory_width)),
        add=torch.tanh(add).unflatten(-1, (options.write_heads, options.memory_width)),
    )


def address(memory: Memory, previous: Weightings, heads: HeadParameters, addressing: Addressing) -> Weightings:
    """Compute every head's new weighting: by content and, unless addressing is `content`, also by location (figure 2).

    Args:
        memory: M_{t-1}, (B, N, W).
        previous: w_{t-1}, (B, heads, N).
        heads: The heads' parameters.
        addressing: `content_and_location` or `content`.

    Returns:
        w_t, (B, heads, N).
    """
    by_content = content(memory, heads.key, heads.strength)
    if addressing == "content":
        return by_content
    return sharpen(shift(interpolate(by_content, previous, heads.gate), heads.shifts), heads.sharpening)
