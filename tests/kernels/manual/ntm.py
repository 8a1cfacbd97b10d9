"""The Neural Turing Machine over a sequence with its gradient written out by hand: the manual backward pass.

Plain PyTorch and no autograd: what a step must remember, and what the backward pass makes of it, stand here in the
order and under the names in which a kernel has them. It is slow, and no backend: the tests hold the reference to it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead._state import map_state, stack_states
from tapehead.kernels.unroll import clear_padding
from tapehead.maths.addressing import NORM_FLOOR, interpolate, shift
from tapehead.maths.memory import read, write
from tapehead.maths.ntm import HeadParameters, NTMOptions, NTMState, NTMWeights, head_parameters

FIELDS = len(NTMState._fields)


def scan(
    inputs: Inputs,
    state: NTMState,
    lengths: Lengths | None,
    weights: NTMWeights,
    options: NTMOptions,
    keep_states: bool,
) -> tuple[Outputs, NTMState, NTMState | None]:
    """Do what `reference.scan` does, with gradients that autograd has no part in."""
    results = cast(Any, _Scan).apply(options, keep_states, lengths, inputs, *state, *_flat(weights))
    states = NTMState(*results[1 + FIELDS :]) if keep_states else None
    return results[0], NTMState(*results[1 : 1 + FIELDS]), states


class _Scan(torch.autograd.Function):
    """A run over a sequence as autograd sees it: one operation."""

    @staticmethod
    def forward(
        context: Any, options: NTMOptions, keep_states: bool, lengths: Tensor | None, inputs: Tensor, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        state, weights = NTMState(*tensors[:FIELDS]), _weights_of(tensors[FIELDS:], options)
        inputs = clear_padding(inputs, lengths)
        outputs, states, steps = forward(inputs, state, lengths, weights, options)
        context.save_for_backward(*tensors)
        context.options, context.steps = options, steps
        kept = stack_states(states, state) if keep_states else ()
        return outputs, *map_state(torch.clone, states[-1] if states else state), *kept

    @staticmethod
    def backward(context: Any, d_outputs: Tensor, *d_states: Tensor) -> tuple[Tensor | None, ...]:
        weights = _weights_of(context.saved_tensors[FIELDS:], context.options)
        d_last, d_kept = NTMState(*d_states[:FIELDS]), d_states[FIELDS:]
        found = backward(
            context.steps, d_outputs, d_last, NTMState(*d_kept) if d_kept else None, weights, context.options
        )
        return None, None, None, found.inputs, *found.state, *_flat(found.weights)


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


class Gradients(NamedTuple):
    """The gradients of all that a scan was given."""

    inputs: Inputs
    state: NTMState
    weights: NTMWeights


def forward(
    inputs: Inputs, state: NTMState, lengths: Lengths | None, weights: NTMWeights, options: NTMOptions
) -> tuple[Outputs, list[NTMState], list[Step]]:
    """Run the scan: the outputs, the state after every step, and what each step remembers."""
    outputs, states, steps = [inputs.new_empty(0, inputs.shape[1], weights.output_bias.shape[0])], [], []
    for time, now in enumerate(inputs):
        running = torch.ones(now.shape[0], dtype=torch.bool) if lengths is None else time < lengths
        step, after = _step(running, now, state, weights, options)
        state = NTMState(
            *(torch.where(running[:, None, None], new, old) for new, old in zip(after, state, strict=True))
        )
        outputs.append(torch.where(running[:, None], _clipped(step.raw_output, options.clip), 0.0)[None])
        states.append(state)
        steps.append(step)
    return torch.cat(outputs), states, steps


def backward(
    steps: list[Step],
    d_outputs: Outputs,
    d_state: NTMState,
    d_states: NTMState | None,
    weights: NTMWeights,
    options: NTMOptions,
) -> Gradients:
    """Go back through the steps: from the gradients of outputs, last state and, if kept, every state to all others."""
    d_weights = [torch.zeros_like(tensor) for tensor in _flat(weights)]
    d_inputs = [d_outputs.new_empty(0, d_outputs.shape[1], _inputs(weights, options))]
    for time in reversed(range(len(steps))):
        step, d_output = steps[time], d_outputs[time]
        if d_states is not None:
            d_state = NTMState(*(total + kept[time] for total, kept in zip(d_state, d_states, strict=True)))
        d_input, d_before, d_step_weights = _step_backward(step, d_output, d_state, weights, options)
        stopped = ~step.running[:, None, None]
        d_state = NTMState(*(torch.where(stopped, old, new) for old, new in zip(d_state, d_before, strict=True)))
        d_inputs.append(d_input[None])
        d_weights = [total + here for total, here in zip(d_weights, d_step_weights, strict=True)]
    return Gradients(torch.cat(d_inputs[::-1]), d_state, _weights_of(d_weights, options))


def _step(
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
        weightings = torch.softmax(heads.sharpening.unsqueeze(-1) * _log(shifted), dim=-1)
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


def _step_backward(
    step: Step, d_output: Tensor, d_after: NTMState, weights: NTMWeights, options: NTMOptions
) -> tuple[Tensor, NTMState, list[Tensor]]:
    """Go one step back: the gradients of the input, of the state before, and of the weights."""
    running = step.running[:, None]
    d_raw_output = torch.where(running, _clipped_backward(d_output, step.raw_output, options.clip), 0.0)
    reads = options.read_heads * options.memory_width
    d_units, d_reads = (d_raw_output @ weights.output_weight).split([step.units.shape[1], reads], dim=-1)
    d_reads = d_reads.unflatten(-1, d_after.reads.shape[1:]) + d_after.reads

    d_memory, d_weightings, d_erase, d_add = _read_and_write_backward(step, d_reads, d_after, options)
    d_memory, d_previous, d_heads = _address_backward(step, d_memory, d_weightings, options)
    d_raw = _head_parameters_backward(step, HeadParameters._make([*d_heads, d_erase, d_add]), options)
    d_raw = torch.where(running, d_raw, 0.0)
    d_units = d_units + d_raw @ weights.head_weight

    d_hidden, d_cell = d_after.hidden.clone(), d_after.cell.clone()
    d_controller: list[Tensor] = []
    for number in reversed(range(len(weights.controller))):
        own, layer = weights.controller[number], step.layers[number]
        if options.controller == "feedforward":
            d_gates, weight = d_units * (1 - layer.gates**2), own[0]
        else:
            d_gates, d_cell[:, number] = _lstm_backward(layer, d_units + d_hidden[:, number], d_cell[:, number])
            weight = torch.cat(own[:2], dim=1)
        d_gates = torch.where(running, d_gates, 0.0)
        d_seen, d_weight, below = d_gates @ weight, d_gates.T @ layer.seen, own[0].shape[1]
        d_controller[:0] = [*d_weight.split([below, weight.shape[1] - below], dim=1)[: len(own) - 1], d_gates.sum(0)]
        if options.controller == "lstm":
            d_hidden[:, number] = d_seen[:, below:]
        d_units = d_seen[:, :below]
    d_input, d_reads = d_units.split([_inputs(weights, options), reads], dim=-1)
    d_reading, d_writing = d_previous.split([options.read_heads, options.write_heads], dim=1)
    d_before = NTMState(
        d_memory,
        d_reading,
        d_writing,
        d_reads.unflatten(-1, d_after.reads.shape[1:]),
        d_hidden,
        d_cell,
    )
    read_out = [d_raw_output.T @ step.shown, d_raw_output.sum(0)]
    return d_input, d_before, [*d_controller, d_raw.T @ step.units, d_raw.sum(0), *read_out]


def _lstm_backward(layer: Layer, d_hidden: Tensor, d_cell: Tensor) -> tuple[Tensor, Tensor]:
    """From the gradients of h and c to those of the gates before their activations and of the c before."""
    i, f, z, o = layer.gates.chunk(4, dim=-1)
    d_cell = d_cell + d_hidden * o * (1 - layer.cell_tanh**2)
    d_gates = [
        d_cell * z * i * (1 - i),
        d_cell * layer.cell_before * f * (1 - f),
        d_cell * i * (1 - z**2),
        d_hidden * layer.cell_tanh * o * (1 - o),
    ]
    return torch.cat(d_gates, dim=-1), d_cell * f


def _read_and_write_backward(
    step: Step, d_reads: Tensor, d_after: NTMState, options: NTMOptions
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of the memory before the step (but through the cosines), w_t, e and a."""
    reading, writing = step.weightings.split([options.read_heads, options.write_heads], dim=1)
    d_memory, d_writing = d_after.memory, d_after.write_weightings.clone()
    d_erase, d_add = torch.zeros_like(step.heads.erase), torch.zeros_like(step.heads.add)
    for head in reversed(range(options.write_heads)):
        memory, weighting = step.memories[head], writing[:, head].unsqueeze(-1)
        erase, add = step.heads.erase[:, head].unsqueeze(1), step.heads.add[:, head].unsqueeze(1)
        d_add[:, head] = (d_memory * weighting).sum(1)
        d_erase[:, head] = -(d_memory * weighting * memory).sum(1)
        d_writing[:, head] += (d_memory * (add - erase * memory)).sum(-1)
        d_memory = d_memory * (1 - weighting * erase)
    d_reading = d_after.read_weightings + d_reads @ step.memories[0].mT
    d_memory = d_memory + reading.mT @ d_reads
    return d_memory, torch.cat([d_reading, d_writing], dim=1), d_erase, d_add


def _address_backward(
    step: Step, d_memory: Tensor, d_weightings: Tensor, options: NTMOptions
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """The gradients of the memory before the step, of w_{t-1}, and of k, beta, g, s and gamma."""
    heads, d_content, d_previous = step.heads, d_weightings, torch.zeros_like(d_weightings)
    d_location = [
        heads.gate.new_zeros(heads.gate.shape),
        torch.zeros_like(heads.shifts),
        torch.zeros_like(heads.sharpening),
    ]
    if options.addressing == "content_and_location":
        d_power = _softmax_backward(d_weightings, step.weightings)
        logarithm = _log(step.shifted)
        d_sharpening = (d_power * (logarithm - logarithm.amax(-1, keepdim=True))).sum(-1)
        tiny = torch.finfo(d_power.dtype).tiny
        d_shifted = torch.where(step.shifted < tiny, 0.0, heads.sharpening.unsqueeze(-1) * d_power / step.shifted)
        offsets = range(-options.shift_range, options.shift_range + 1)
        d_shifts = [(d_shifted * step.interpolated.roll(offset, -1)).sum(-1) for offset in offsets]
        d_interpolated = shift(d_shifted, heads.shifts.flip(-1))
        gate, previous = (
            heads.gate.unsqueeze(-1),
            torch.cat([step.before.read_weightings, step.before.write_weightings], 1),
        )
        d_gate = (d_interpolated * (step.content - previous)).sum(-1)
        d_content, d_previous = gate * d_interpolated, (1 - gate) * d_interpolated
        d_location = [d_gate, torch.stack(d_shifts, dim=-1), d_sharpening]
    d_score = _softmax_backward(d_content, step.content)
    d_strength = (d_score * step.cosine).sum(-1)

    d_cosine = heads.strength.unsqueeze(-1) * d_score
    d_dot, direction = d_cosine * step.inverse_norm, heads.key * step.inverse_key_norm
    d_memory = d_memory + d_dot.mT @ direction
    pull = -(d_cosine * step.cosine).sum(1, keepdim=True) * step.inverse_norm**2
    d_memory = d_memory + torch.where(step.inverse_norm * NORM_FLOOR < 1, pull, 0.0).mT * step.before.memory
    d_direction = d_dot @ step.before.memory
    along = (d_direction * direction).sum(-1, keepdim=True)
    along = torch.where(step.inverse_key_norm * NORM_FLOOR < 1, along, 0.0)
    d_key = step.inverse_key_norm * (d_direction - along * direction)
    return d_memory, d_previous, [d_key, d_strength, *d_location]


def _head_parameters_backward(step: Step, d: HeadParameters, options: NTMOptions) -> Tensor:
    """From the gradients of what the heads are told to that of the head layer's outputs."""
    heads, parts = step.heads, _clipped(step.raw, options.clip).split(options.head_sizes, dim=-1)
    d_parts = [
        d.key * (1 - heads.key**2),
        d.strength * _softplus_slope(parts[1]),
        d.gate * heads.gate * (1 - heads.gate),
        _softmax_backward(d.shifts, heads.shifts),
        d.sharpening * _softplus_slope(parts[4]),
        d.erase * heads.erase * (1 - heads.erase),
        d.add * (1 - heads.add**2),
    ]
    return _clipped_backward(torch.cat([part.flatten(1) for part in d_parts], dim=-1), step.raw, options.clip)


def _softmax_backward(d_weights: Tensor, weights: Tensor) -> Tensor:
    return weights * (d_weights - (d_weights * weights).sum(-1, keepdim=True))


def _softplus_slope(values: Tensor) -> Tensor:
    return torch.where(values > 20, 1.0, torch.sigmoid(values))


def _log(weighting: Tensor) -> Tensor:
    return weighting.clamp(min=torch.finfo(weighting.dtype).tiny).log()


def _clipped(values: Tensor, clip: float | None) -> Tensor:
    return values if clip is None else values.clamp(-clip, clip)


def _clipped_backward(gradient: Tensor, values: Tensor, clip: float | None) -> Tensor:
    return gradient if clip is None else torch.where(values.abs() <= clip, gradient, 0.0)


def _flat(weights: NTMWeights) -> list[Tensor]:
    return [*(tensor for layer in weights.controller for tensor in layer), *weights[1:]]


def _weights_of(flat: Sequence[Tensor], options: NTMOptions) -> NTMWeights:
    """Put the tensors of the weights together again."""
    controller, size = flat[:-4], 3 if options.controller == "lstm" else 2
    layers = tuple(tuple(controller[first : first + size]) for first in range(0, len(controller), size))
    return NTMWeights(layers, *flat[-4:])


def _inputs(weights: NTMWeights, options: NTMOptions) -> int:
    return weights.controller[0][0].shape[1] - options.read_heads * options.memory_width
