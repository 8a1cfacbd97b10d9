"""The Neural Turing Machine forward, with all that the manual backward pass (ntm_backward.py) needs of each step."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.maths.addressing import NORM_FLOOR, interpolate, shift
from tapehead.maths.memory import read, write
from tapehead.maths.ntm import HeadParameters, NTMOptions, NTMState, NTMWeights, head_parameters


class Layer(NamedTuple):
    """What one layer of the controller remembers of a step."""

    seen: Tensor  # what the layer saw: from below, then (lstm) its own last units
    gates: Tensor  # lstm: i, f, z, o side by side; feedforward: the units
    cell_before: Tensor  # lstm only
    cell_tanh: Tensor  # lstm only


class Step(NamedTuple):
    """What a step remembers for the way back."""

    running: Tensor  # (B,) bool: which sequences took it
    before: NTMState
    layers: list[Layer]
    units: Tensor  # h_t
    raw: Tensor  # the head layer's outputs
    heads: HeadParameters
    inverse_norm: Tensor  # 1 / max(|M(i)|, floor), (B, 1, N)
    inverse_key_norm: Tensor  # 1 / max(|k|, floor), (B, heads, 1)
    cosine: Tensor  # (B, heads, N)
    content: Tensor  # w^c
    interpolated: Tensor  # w^g
    shifted: Tensor  # w~
    weightings: Tensor  # w_t
    memories: list[Tensor]  # before each write head, and after the last
    shown: Tensor  # h_t, r_t: what the read-out saw
    raw_output: Tensor  # y_t before its clip


def forward(
    inputs: Inputs, state: NTMState, lengths: Lengths | None, weights: NTMWeights, options: NTMOptions
) -> tuple[Outputs, list[NTMState], list[Step]]:
    """Run the scan: the outputs, the state after every step, and what each step remembers."""
    outputs, states, steps = [inputs.new_empty(0, inputs.shape[1], weights.output_bias.shape[0])], [], []
    for time, now in enumerate(inputs):
        running = torch.ones(now.shape[0], dtype=torch.bool) if lengths is None else time < lengths
        step, after = run_step(running, now, state, weights, options)
        state = NTMState(
            *(torch.where(running[:, None, None], new, old) for new, old in zip(after, state, strict=True))
        )
        outputs.append(torch.where(running[:, None], clipped(step.raw_output, options.clip), 0.0)[None])
        states.append(state)
        steps.append(step)
    return torch.cat(outputs), states, steps


def run_step(
    running: Tensor, inputs: Tensor, state: NTMState, weights: NTMWeights, options: NTMOptions
) -> tuple[Step, NTMState]:
    below, layers, cells = torch.cat([inputs, state.reads.flatten(1)], dim=-1), [], []
    for number, own in enumerate(weights.controller):
        if options.controller == "feedforward":
            units = torch.tanh(below @ own[0].T + own[1])
            layers.append(Layer(below, units, units, units))
        else:
            seen = torch.cat([below, state.hidden[:, number]], dim=-1)
            i, f, z, o = (seen @ torch.cat(own[:2], dim=1).T + own[2]).chunk(4, dim=-1)
            i, f, z, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(z), torch.sigmoid(o)
            cells.append(f * state.cell[:, number] + i * z)
            units = o * torch.tanh(cells[-1])
            gates = torch.cat([i, f, z, o], dim=-1)
            layers.append(Layer(seen, gates, state.cell[:, number], torch.tanh(cells[-1])))
        below = units
    raw = units @ weights.head_weight.T + weights.head_bias
    heads = head_parameters(raw, options)

    inverse_norm = (state.memory**2).sum(-1).sqrt().clamp(min=NORM_FLOOR).reciprocal().unsqueeze(-2)
    inverse_key_norm = (heads.key**2).sum(-1, keepdim=True).sqrt().clamp(min=NORM_FLOOR).reciprocal()
    cosine = (heads.key * inverse_key_norm) @ state.memory.mT * inverse_norm
    content = torch.softmax(heads.strength.unsqueeze(-1) * cosine, dim=-1)
    interpolated = shifted = weightings = content
    if options.addressing == "content_and_location":
        previous = torch.cat([state.read_weightings, state.write_weightings], dim=1)
        interpolated = interpolate(content, previous, heads.gate)
        shifted = shift(interpolated, heads.shifts)
        weightings = torch.softmax(heads.sharpening.unsqueeze(-1) * log(shifted), dim=-1)
    reading, writing = weightings.split([options.read_heads, options.write_heads], dim=1)
    reads, memories = read(state.memory, reading), [state.memory]
    for head in range(options.write_heads):
        memories.append(write(memories[-1], writing[:, head], heads.erase[:, head], heads.add[:, head]))

    shown = torch.cat([units, reads.flatten(1)], dim=-1)
    raw_output = shown @ weights.output_weight.T + weights.output_bias
    hidden = (
        torch.stack([layer.gates.chunk(4, -1)[3] * layer.cell_tanh for layer in layers], 1) if cells else state.hidden
    )
    cell = torch.stack(cells, dim=1) if cells else state.cell
    step = Step(
        running,
        state,
        layers,
        units,
        raw,
        heads,
        inverse_norm,
        inverse_key_norm,
        cosine,
        content,
        interpolated,
        shifted,
        weightings,
        memories,
        shown,
        raw_output,
    )
    return step, NTMState(memories[-1], reading, writing, reads, hidden, cell)


def log(weighting: Tensor) -> Tensor:
    return weighting.clamp(min=torch.finfo(weighting.dtype).tiny).log()


def clipped(values: Tensor, clip: float | None) -> Tensor:
    return values if clip is None else values.clamp(-clip, clip)


def flatten(weights: NTMWeights) -> list[Tensor]:
    return [*(tensor for layer in weights.controller for tensor in layer), *weights[1:]]


def weights_of(flat: Sequence[Tensor], options: NTMOptions) -> NTMWeights:
    """Put the tensors of the weights together again."""
    controller, size = flat[:-4], 3 if options.controller == "lstm" else 2
    layers = tuple(tuple(controller[first : first + size]) for first in range(0, len(controller), size))
    return NTMWeights(layers, *flat[-4:])


def input_size(weights: NTMWeights, options: NTMOptions) -> int:
    return weights.controller[0][0].shape[1] - options.read_heads * options.memory_width
