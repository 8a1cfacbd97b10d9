"""The Neural Turing Machine over a sequence as one launch of a Triton kernel forward, and one backward.

The products that do not depend on the recurrence are torch's: the inputs', the output layer's, and, once the backward
pass has all gradients of the layers' sums, those that give the weights' gradients.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels.backend import Backend
from tapehead.kernels.triton.launch import (
    EVERY,
    carve,
    choose_blocks,
    count_warps,
    power,
    transposed,
    unsupported_reason,
)
from tapehead.kernels.unroll import clear_padding
from tapehead.maths.addressing import NORM_FLOOR
from tapehead.maths.controllers import clip
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights


@dataclass(frozen=True)
class Sizes:
    """All that the kernels are compiled for; what is counted in powers of 2 is the next one."""

    slots: int
    width: int
    reads: int  # read heads
    heads: int
    units: int
    layers: int
    gates: int  # sums of a layer
    lstm: bool
    offsets: int  # of shifts; 0: addressing by content alone
    clip: float | None
    floor: float  # of norms
    tiny: float  # the smallest normal number
    keep_states: bool
    every: int  # the memory is kept at every so many steps
    parameters: int  # of all heads, laid out as `NTMOptions.head_sizes` says; where each part begins:
    strength: int
    gate: int
    shift: int
    sharpening: int
    erase: int
    add: int
    block_rows: int
    block_columns: int
    block_slots: int
    slots_power: int
    width_power: int
    heads_power: int
    offsets_power: int

    @property
    def warps(self) -> int:
        """The warps of a program."""
        return count_warps(self.heads, self.slots, self.width)


class Given(NamedTuple):
    """What the recurrence is given besides lengths and sizes; a feedforward controller has one layer of units too."""

    gates_in: Tensor  # W_ih x + b of the first layer, (T, B, G)
    memory: Tensor  # (B, N, W)
    weightings: Tensor  # (B, heads, N)
    reads: Tensor  # (B, R, W)
    hidden: Tensor  # (B, L, D)
    cell: Tensor  # (B, L, D)
    w_reads: Tensor  # (G, R*W)
    w_hidden: Tensor  # (L, G, D); of a feedforward controller (0,)
    w_below: Tensor  # (L - 1, G, D)
    b_below: Tensor  # (L - 1, G)
    w_heads: Tensor  # (P, D)
    b_heads: Tensor  # (P,)


class States(NamedTuple):
    """States counted from the initial one on: the place of each is the number of steps before it."""

    memory: Tensor  # (T + 1, B, N, W) where every state is kept, else (0,)
    weightings: Tensor  # (T + 1, B, heads, N)
    reads: Tensor  # (T + 1, B, R, W)
    hidden: Tensor  # (T + 1, B, L, D)
    cell: Tensor  # (T + 1, B, L, D)


def scan(
    inputs: Inputs,
    state: NTMState,
    lengths: Lengths | None,
    weights: NTMWeights,
    options: NTMOptions,
    keep_states: bool,
) -> tuple[Outputs, NTMState, NTMState | None]:
    """Run the scan, a program a sequence; a sequence stops at its length."""
    steps, sequences, _ = inputs.shape
    inputs = clear_padding(inputs, lengths)
    device = inputs.device
    counts = torch.full((sequences,), steps, device=device) if lengths is None else lengths.to(device, torch.int64)
    given = give(inputs, state, weights, options)
    memory, *found = _Recurrence.apply(choose_sizes(given, options, keep_states), counts, *given)  # type: ignore[no-untyped-call]
    states = States(*found)
    seen = torch.cat([states.hidden[1:, :, -1], states.reads[1:].flatten(2)], dim=-1)
    outputs = clip(linear(seen, weights.output_weight, weights.output_bias), options.clip)
    running = torch.arange(steps, device=device).unsqueeze(1)
    if lengths is not None:
        outputs = torch.where((running < counts).unsqueeze(-1), outputs, 0.0)
    (*last,) = (tensor[0] for tensor in _take(states, counts.unsqueeze(0), state, memory.unsqueeze(0)))
    if not keep_states:
        return outputs, NTMState(*last), None
    after = torch.minimum(running + 1, counts)
    return outputs, NTMState(*last), _take(states, after, state, _take_places(states.memory, after))


def give(inputs: Inputs, state: NTMState, weights: NTMWeights, options: NTMOptions) -> Given:
    """Gather what the recurrence needs."""
    channels, layers = inputs.shape[2], weights.controller
    first = layers[0]
    hidden, cell, nothing = state.hidden, state.cell, inputs.new_zeros(0)
    if options.controller == "feedforward":
        hidden = cell = inputs.new_zeros(inputs.shape[1], 1, weights.head_weight.shape[1])
    return Given(
        linear(inputs, first[0][:, :channels], first[-1]),
        state.memory,
        torch.cat([state.read_weightings, state.write_weightings], dim=1),
        state.reads,
        hidden,
        cell,
        first[0][:, channels:],
        torch.stack([layer[1] for layer in layers]) if options.controller == "lstm" else nothing,
        torch.stack([layer[0] for layer in layers[1:]]) if len(layers) > 1 else nothing,
        torch.stack([layer[2] for layer in layers[1:]]) if len(layers) > 1 else nothing,
        weights.head_weight,
        weights.head_bias,
    )


def choose_sizes(given: Given, options: NTMOptions, keep_states: bool) -> Sizes:
    """Choose what the kernels are compiled for."""
    controller, reads, writes, width, shift_range, addressing, bound = options  # every option
    _, heads, slots = given.weightings.shape
    _, layers, units = given.hidden.shape
    gates, starts = len(given.w_reads), [sum(options.head_sizes[:part]) for part in range(8)]
    offsets = 2 * shift_range + 1 if addressing == "content_and_location" else 0
    assert heads == reads + writes
    blocks = choose_blocks(max(gates, starts[7]), slots, width)
    return Sizes(
        slots=slots, width=width, reads=reads, heads=heads, units=units, layers=layers, gates=gates,
        lstm=controller == "lstm", offsets=offsets, clip=bound, floor=NORM_FLOOR,
        tiny=torch.finfo(given.memory.dtype).tiny, keep_states=keep_states, every=1 if keep_states else EVERY,
        parameters=starts[7], strength=starts[1], gate=starts[2], shift=starts[3], sharpening=starts[4],
        erase=starts[5], add=starts[6],
        block_rows=blocks.rows, block_columns=blocks.columns, block_slots=blocks.slots,
        slots_power=power(slots), width_power=power(width), heads_power=power(heads), offsets_power=power(offsets),
    )  # fmt: skip


def _take(states: States, places: Tensor, initial: NTMState, memory: Tensor) -> NTMState:
    """Take the state after so many steps, (A, B), of each sequence."""
    weightings, reads, hidden, cell = (_take_places(tensor, places) for tensor in states[1:])
    if initial.hidden.shape[1] == 0:  # feedforward
        hidden, cell = (tensor.expand(len(places), *tensor.shape) for tensor in (initial.hidden, initial.cell))
    read_heads = initial.read_weightings.shape[1]
    return NTMState(memory, weightings[:, :, :read_heads], weightings[:, :, read_heads:], reads, hidden, cell)


def _take_places(tensor: Tensor, places: Tensor) -> Tensor:
    index = places.view(*places.shape, *[1] * (tensor.dim() - 2))
    return tensor.gather(0, index.expand(*places.shape, *tensor.shape[2:]))


class _Recurrence(torch.autograd.Function):
    """All time steps, from what `Given` holds to the last memory and `States`."""

    @staticmethod
    def forward(ctx: Any, sizes: Sizes, lengths: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        # Imported here, since this file must load where Triton is not installed.
        from tapehead.kernels.ntm_scan.triton.forward import forward

        given = Given(*(tensor.contiguous() for tensor in tensors))
        steps, sequences, gates = given.gates_in.shape
        initial = (given.memory, given.weightings, given.reads, given.hidden, given.cell)
        places = [steps // sizes.every + 1, *[steps + 1] * 4]
        shapes = [(count, *first.shape) for count, first in zip(places, initial, strict=True)]
        parameters = (steps, sequences, sizes.parameters)
        shapes += [(steps, sequences, sizes.layers, gates), parameters, parameters, (steps, *given.weightings.shape)]
        work = [(sequences, sizes.heads, sizes.width), (sequences, sizes.heads, sizes.slots)]
        *found, keys, interpolated = carve(given.memory, shapes + work)
        for tensor, first in zip(found, initial, strict=False):
            tensor[0].copy_(first)
        memory = given.memory.clone()
        weights = [transposed(given.w_reads)]
        weights += [transposed(tensor) if tensor.numel() else tensor for tensor in (given.w_hidden, given.w_below)]
        weights += [given.b_below, transposed(given.w_heads), given.b_heads]
        if sequences:
            with torch.cuda.device_of(memory):  # Triton launches on the current device
                forward[(sequences,)](
                    given.gates_in, lengths, *weights, memory, *found, keys, interpolated, sequences, sizes,
                    num_warps=sizes.warps, enable_fp_fusion=True,
                )  # fmt: skip
        ctx.save_for_backward(lengths, given.w_reads, given.w_hidden, given.w_below, given.w_heads, *found)
        ctx.sizes = sizes
        kept, *states = found[:5]
        return memory, kept if sizes.keep_states else kept.new_zeros(0), *states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("backend 'triton' has no second derivatives; backend='reference' has")
        from tapehead.kernels.ntm_scan.triton.backward import backward

        lengths, w_reads, w_hidden, w_below, w_heads, *found = ctx.saved_tensors
        kept, weightings, reads, hidden, cell, gates, parameters, slopes, cosines = found
        sizes: Sizes = ctx.sizes
        sequences = len(lengths)
        d_last, *d_states = (gradient.contiguous() for gradient in gradients)
        d_memory, after = d_last.clone(), States(*d_states)
        carried = [tensor.shape[1:] for tensor in (weightings, reads, hidden, cell)]
        work = [weightings.shape[1:], weightings.shape[1:], (sequences, sizes.every, sizes.slots, sizes.width)]
        *carried, d_gates, d_parameters, interpolated, d_shifted, segment = carve(
            weightings, [*carried, gates.shape, parameters.shape, *work]
        )
        if sequences:
            with torch.cuda.device_of(d_memory):
                backward[(sequences,)](
                    lengths, w_reads, w_hidden, w_below, w_heads, kept, weightings, hidden, cell, gates,
                    parameters, slopes, cosines, interpolated, d_shifted, segment,
                    after.weightings, after.reads, after.hidden, after.cell, after.memory,
                    d_memory, *carried, d_gates, d_parameters, sequences, sizes,
                    num_warps=sizes.warps, enable_fp_fusion=True,
                )  # fmt: skip
        if sizes.keep_states:
            d_memory += after.memory[0]
        d_initial = (d_memory, *(own + tensor[0] for own, tensor in zip(carried, after[1:], strict=True)))
        return None, None, d_gates[:, :, 0], *d_initial, *_weight_gradients(d_gates, d_parameters, reads, hidden, sizes)


def _weight_gradients(
    d_gates: Tensor, d_parameters: Tensor, reads: Tensor, hidden: Tensor, sizes: Sizes
) -> tuple[Tensor | None, ...]:
    """Give the gradients of the weights in the order of `Given`."""
    d_sums = d_gates.flatten(0, 1).unbind(1)
    before, after = (states.flatten(0, 1).unbind(1) for states in (hidden[:-1], hidden[1:]))
    d_raw = d_parameters.flatten(0, 1)
    lstm, several = sizes.lstm, sizes.layers > 1
    return (
        d_sums[0].T @ reads[:-1].flatten(0, 1).flatten(1),
        torch.stack([own.T @ units for own, units in zip(d_sums, before, strict=True)]) if lstm else None,
        torch.stack([own.T @ units for own, units in zip(d_sums[1:], after[:-1], strict=True)]) if several else None,
        torch.stack([own.sum(0) for own in d_sums[1:]]) if several else None,
        d_raw.T @ after[-1],
        d_raw.sum(0),
    )


BACKEND = Backend("triton", unsupported_reason, scan)
