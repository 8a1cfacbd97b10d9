"""The Differentiable Neural Computer over a sequence with its gradient written out by hand: the manual backward pass.

The forward pass is `dnc_step`, in its pieces. The backward pass goes through the steps from the last to the first, and
through each step's equations from the last to the first; `backward` has these. As in a kernel, weights get their
gradients after the loop, from one product over all steps; and links, N x N numbers for each head and step, are kept at
the start of each stretch of steps only, and made again from what was written.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn.functional import linear

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead._state import hold_finished, map_state, stack_states
from tapehead.maths.controllers import clip, control
from tapehead.maths.dnc import (
    DNCOptions,
    DNCState,
    DNCWeights,
    address_reads,
    interface_parameters,
    update_links,
    write,
)
from tapehead.maths.memory import read
from tests.kernels.manual import dnc_backward as backward

FIELDS = len(DNCState._fields)


def scan(
    inputs: Inputs,
    state: DNCState,
    lengths: Lengths | None,
    weights: DNCWeights,
    options: DNCOptions,
    keep_states: bool,
) -> tuple[Outputs, DNCState, DNCState | None]:
    """Do what `reference.scan` does, with gradients that autograd has no part in."""
    flat = [*(tensor for layer in weights.controller for tensor in layer), *weights[1:]]
    results = cast(Any, _Scan).apply(options, keep_states, lengths, inputs, *state, *flat)
    states = DNCState(*results[1 + FIELDS :]) if keep_states else None
    return results[0], DNCState(*results[1 : 1 + FIELDS]), states


class _Step(NamedTuple):
    """What the backward pass needs of a step; `before` has its links only where it is where a stretch starts."""

    before: DNCState
    running: Tensor | None  # (B,)
    below: Tensor  # (B, I + R*W)
    units: Tensor  # (B, D)
    raw: Tensor  # (B, P)
    written: DNCState  # after the step, had it counted for every sequence; without links
    output: Tensor  # (B, O), before it was clipped


class _Scan(torch.autograd.Function):
    """A run over a sequence as autograd sees it: one operation."""

    @staticmethod
    def forward(
        context: Any, options: DNCOptions, keep_states: bool, lengths: Tensor | None, inputs: Tensor, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        state, weights = DNCState(*tensors[:FIELDS]), _weights_of(tensors[FIELDS:], options)
        stretch = math.isqrt(max(len(inputs) - 1, 0)) + 1
        outputs, steps, states = [inputs.new_empty(0, inputs.shape[1], len(weights.output_bias))], [], []
        for time, x in enumerate(inputs):
            running = None if lengths is None else time < lengths
            step, after = _forward_step(x, state, running, weights, options)
            steps.append(step if time % stretch == 0 else step._replace(before=_without_links(step.before)))
            state = after if running is None else hold_finished(running, after, state)
            output = clip(step.output, options.clip)
            outputs.append((output if running is None else torch.where(running.unsqueeze(-1), output, 0.0))[None])
            if keep_states:
                states.append(state)
        context.save_for_backward(*tensors)
        context.options, context.steps, context.stretch, context.inputs = options, steps, stretch, inputs.shape
        kept = stack_states(states, state) if keep_states else ()
        return torch.cat(outputs), *map_state(torch.clone, state), *kept

    @staticmethod
    def backward(context: Any, output_slopes: Tensor, *state_slopes: Tensor) -> tuple[Tensor | None, ...]:
        tensors, options = context.saved_tensors, context.options
        weights, slopes = _weights_of(tensors[FIELDS:], options), DNCState(*state_slopes[:FIELDS])
        kept_slopes = state_slopes[FIELDS:]
        input_slopes, told = output_slopes.new_zeros(context.inputs), []
        for time, step, links in _backwards(context.steps, context.stretch, options):
            if kept_slopes:
                slopes = DNCState(*(slope + kept[time] for slope, kept in zip(slopes, kept_slopes, strict=True)))
            slopes, slopes_of_step = _backward_step(step, links, output_slopes[time], slopes, weights, options)
            input_slopes[time] = slopes_of_step.below[:, : context.inputs[2]]
            told.append((step, slopes_of_step))
        return None, None, None, input_slopes, *slopes, *_weight_slopes(told, weights, options)


class _Slopes(NamedTuple):
    """The score's slopes in what the layers of a step put out, or took in."""

    below: Tensor  # in x_t and the last reads
    layers: tuple[Tensor, ...]  # in what each layer of the controller adds up, before its non-linearities
    raw: Tensor
    output: Tensor


def _weights_of(flat: tuple[Tensor, ...], options: DNCOptions) -> DNCWeights:
    """Put the tensors of the weights together again."""
    controller, size = flat[:-4], 3 if options.controller == "lstm" else 2
    layers = tuple(controller[start : start + size] for start in range(0, len(controller), size))
    return DNCWeights(layers, *flat[-4:])


def _without_links(state: DNCState) -> DNCState:
    return state._replace(links=state.links.new_empty(0))


def _forward_step(
    x: Tensor, state: DNCState, running: Tensor | None, weights: DNCWeights, options: DNCOptions
) -> tuple[_Step, DNCState]:
    """`dnc_step`, keeping what the way back needs; what stands in the padding is not even looked at."""
    x = x if running is None else torch.where(running.unsqueeze(-1), x, 0.0)
    units, hidden, cell = control(options.controller, weights.controller, x, state.reads, state.hidden, state.cell)
    raw = linear(units, weights.interface_weight, weights.interface_bias)
    interface = interface_parameters(raw, options)
    usage, write_weightings, memory = write(state, interface, options)
    precedence, links = update_links(state, write_weightings, options)
    read_weightings = address_reads(memory, links, state.read_weightings, interface)
    reads = read(memory, read_weightings)
    output = linear(torch.cat([units, reads.flatten(1)], -1), weights.output_weight, weights.output_bias)
    after = DNCState(memory, usage, read_weightings, write_weightings, precedence, links, reads, hidden, cell)
    below = torch.cat([x, state.reads.flatten(1)], -1)
    return _Step(state, running, below, units, raw, _without_links(after), output), after


def _backwards(
    steps: list[_Step], stretch: int, options: DNCOptions
) -> Iterator[tuple[int, _Step, tuple[Tensor, Tensor]]]:
    """Give the steps from the last to the first, each with the links before and after it, made again."""
    for start in reversed(range(0, len(steps), stretch)):
        links = [steps[start].before.links]
        updates = []
        for step in steps[start : start + stretch]:
            before = step.before._replace(links=links[-1])
            _, after = update_links(before, step.written.write_weightings, options)
            updates.append((links[-1], after))
            held = after if step.running is None else torch.where(step.running.view(-1, 1, 1, 1), after, links[-1])
            links.append(held)
        for time in reversed(range(start, start + len(updates))):
            yield time, steps[time], updates[time - start]


def _backward_step(
    step: _Step,
    links: tuple[Tensor, Tensor],
    output_slope: Tensor,
    after: DNCState,
    weights: DNCWeights,
    options: DNCOptions,
) -> tuple[DNCState, _Slopes]:
    """From the slopes in a step's output and in the state after it to those in the state before it."""
    held = after
    if step.running is not None:
        output_slope = torch.where(step.running.unsqueeze(-1), output_slope, 0.0)
        after = hold_finished(step.running, after, map_state(torch.zeros_like, after))
    before, written, interface = step.before, step.written, interface_parameters(step.raw, options)
    (links_before, links_after), reads = links, options.read_heads * options.memory_width

    output = backward.through_clip(output_slope, step.output, options.clip)
    in_units, in_reads = (output @ weights.output_weight).split([step.units.shape[-1], reads], -1)
    in_reads = in_reads.unflatten(-1, before.reads.shape[1:]) + after.reads
    in_memory = after.memory + written.read_weightings.transpose(-1, -2) @ in_reads
    in_looks = after.read_weightings + in_reads @ written.memory.transpose(-1, -2)
    looked, in_memory_looked, in_links, in_looks_before = backward.look(
        written.memory, links_after, before.read_weightings, interface, in_looks
    )
    in_marks, in_precedence, in_links_before = backward.link(
        before.precedence, links_before, written.write_weightings, after.precedence, after.links + in_links, options
    )
    wrote, in_state = backward.write(
        before,
        written,
        interface,
        in_memory + in_memory_looked,
        after.usage,
        in_marks + after.write_weightings,
        options,
    )
    raw = backward.interface_parameters(step.raw, interface, {**looked, **wrote}, options)
    in_units = in_units + raw @ weights.interface_weight
    below, layers, in_hidden, in_cell = _control_slopes(step, in_units, after, weights, options)
    slopes = DNCState(
        memory=in_state["memory"],
        usage=in_state["usage"],
        read_weightings=in_state["read_weightings"] + in_looks_before,
        write_weightings=in_state["write_weightings"],
        precedence=in_precedence,
        links=in_links_before,
        reads=below[:, below.shape[1] - reads :].unflatten(-1, before.reads.shape[1:]),
        hidden=in_hidden,
        cell=in_cell,
    )
    if step.running is not None:
        slopes = hold_finished(step.running, slopes, held)
    return slopes, _Slopes(below, layers, raw, output)


def _control_slopes(
    step: _Step, slope: Tensor, after: DNCState, weights: DNCWeights, options: DNCOptions
) -> tuple[Tensor, tuple[Tensor, ...], Tensor, Tensor]:
    """Of `control`: the slopes in what the lowest layer sees, in each layer's sums, in hidden and in cell."""
    if options.controller == "feedforward":
        sums = slope * (1 - step.units**2)
        return sums @ weights.controller[0][0], (sums,), after.hidden, after.cell
    layers, in_hidden, in_cell = [], torch.empty_like(after.hidden), torch.empty_like(after.cell)
    for layer in reversed(range(len(weights.controller))):
        weight_ih, weight_hh, bias = weights.controller[layer]
        below = step.below if layer == 0 else step.written.hidden[:, layer - 1]
        sums = linear(below, weight_ih, bias) + linear(step.before.hidden[:, layer], weight_hh)
        slope = slope + after.hidden[:, layer]
        in_sums, in_cell[:, layer] = backward.lstm(
            sums, step.before.cell[:, layer], step.written.cell[:, layer], slope, after.cell[:, layer]
        )
        layers.append(in_sums)
        in_hidden[:, layer] = in_sums @ weight_hh
        slope = in_sums @ weight_ih
    return slope, tuple(reversed(layers)), in_hidden, in_cell


def _weight_slopes(told: list[tuple[_Step, _Slopes]], weights: DNCWeights, options: DNCOptions) -> list[Tensor]:
    """The slopes in the weights: for each matrix one product over all steps and sequences."""
    if not told:
        return [torch.zeros_like(tensor) for layer in (*weights.controller, weights[1:]) for tensor in layer]
    steps, slopes = zip(*told, strict=True)
    found: list[Tensor] = []
    for layer in range(len(weights.controller)):
        sums = torch.cat([slope.layers[layer] for slope in slopes])
        below = torch.cat([step.below if layer == 0 else step.written.hidden[:, layer - 1] for step in steps])
        found.append(sums.T @ below)
        if options.controller == "lstm":
            found.append(sums.T @ torch.cat([step.before.hidden[:, layer] for step in steps]))
        found.append(sums.sum(0))
    units = torch.cat([step.units for step in steps])
    reads = torch.cat([step.written.reads.flatten(1) for step in steps])
    raw, output = torch.cat([slope.raw for slope in slopes]), torch.cat([slope.output for slope in slopes])
    return [*found, raw.T @ units, raw.sum(0), output.T @ torch.cat([units, reads], -1), output.sum(0)]
