"""The Neural Turing Machine backward, written out in plain PyTorch, from a step's gradients to the step's before."""

from typing import NamedTuple

import torch
from torch import Tensor

from tapehead._shapes import Inputs, Outputs
from tapehead.maths.addressing import NORM_FLOOR, shift
from tapehead.maths.ntm import HeadParameters, NTMOptions, NTMState, NTMWeights
from tests.kernels.manual.ntm_forward import Layer, Step, clipped, flatten, input_size, log, weights_of


class Gradients(NamedTuple):
    """The gradients of all that a scan was given."""

    inputs: Inputs
    state: NTMState
    weights: NTMWeights


def backward(
    steps: list[Step],
    d_outputs: Outputs,
    d_state: NTMState,
    d_states: NTMState | None,
    weights: NTMWeights,
    options: NTMOptions,
) -> Gradients:
    """Go back through the steps: from the gradients of outputs, last state and, if kept, every state to all others."""
    d_weights = [torch.zeros_like(tensor) for tensor in flatten(weights)]
    d_inputs = [d_outputs.new_empty(0, d_outputs.shape[1], input_size(weights, options))]
    for time in reversed(range(len(steps))):
        step, d_output = steps[time], d_outputs[time]
        if d_states is not None:
            d_state = NTMState(*(total + kept[time] for total, kept in zip(d_state, d_states, strict=True)))
        d_input, d_before, d_step_weights = _step_backward(step, d_output, d_state, weights, options)
        stopped = ~step.running[:, None, None]
        d_state = NTMState(*(torch.where(stopped, old, new) for old, new in zip(d_state, d_before, strict=True)))
        d_inputs.append(d_input[None])
        d_weights = [total + here for total, here in zip(d_weights, d_step_weights, strict=True)]
    return Gradients(torch.cat(d_inputs[::-1]), d_state, weights_of(d_weights, options))


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
    d_input, d_reads = d_units.split([input_size(weights, options), reads], dim=-1)
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
        logarithm = log(step.shifted)
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
    heads, parts = step.heads, clipped(step.raw, options.clip).split(options.head_sizes, dim=-1)
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


def _clipped_backward(gradient: Tensor, values: Tensor, clip: float | None) -> Tensor:
    return gradient if clip is None else torch.where(values.abs() <= clip, gradient, 0.0)
