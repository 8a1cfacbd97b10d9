"""The Neural Turing Machine over a sequence as one launch of a Triton kernel forward, and one backward.

The products that do not depend on the recurrence are torch's: the inputs', the output layer's, and, once the backward
pass has all gradients of the layers' sums, those that give the weights' gradients.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels.backend import Backend, Problem
from tapehead.kernels.triton import launch, recurrence
from tapehead.kernels.triton.launch import EVERY, carve, choose_blocks, power
from tapehead.kernels.triton.recurrence import Controller, take
from tapehead.kernels.unroll import clear_padding
from tapehead.maths.addressing import NORM_FLOOR
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights


@dataclass(frozen=True)
class Sizes(recurrence.Sizes):
    """All that the kernels are compiled for; the heads' parameters are laid out as `NTMOptions.head_sizes` says."""

    offsets: int  # of shifts; 0: addressing by content alone
    strength: int  # where this part of the parameters begins, as the next
    gate: int
    shift: int
    sharpening: int
    erase: int
    add: int
    heads_power: int
    offsets_power: int


class States(NamedTuple):
    """A state, or, with an axis of places in front, every one."""

    memory: Tensor  # (B, N, W); not where every state is not kept: then (0,)
    weightings: Tensor  # (B, heads, N)
    reads: Tensor  # (B, R, W)
    hidden: Tensor  # (B, L, D); a feedforward controller has one layer of units too
    cell: Tensor  # (B, L, D)


MOST_HEADS = 10
"""The most heads: the kernels repeat code for each, and more compile for minutes."""


def unsupported_reason(problem: Problem[NTMOptions]) -> str | None:
    """Say why the kernels cannot run a problem; None where they can."""
    heads = problem.sizes.read_heads + problem.sizes.write_heads
    too_many = f"the model has {heads} heads, and this backend takes {MOST_HEADS}: more take minutes to compile"
    return launch.unsupported_reason(problem) or (too_many if heads > MOST_HEADS else None)


def scan(
    inputs: Inputs,
    state: NTMState,
    lengths: Lengths | None,
    weights: NTMWeights,
    options: NTMOptions,
    keep_states: bool,
) -> tuple[Outputs, NTMState, NTMState | None]:
    """Run the scan, a program a sequence; a sequence stops at its length."""
    counts = recurrence.count_steps(inputs, lengths)
    controller, initial = give(clear_padding(inputs, lengths), state, weights, options)
    sizes = choose_sizes(controller, initial, options, keep_states)
    memory, *found = _Recurrence.apply(sizes, counts, *controller, *initial)  # type: ignore[no-untyped-call]
    states = States(*found)
    ends = None if lengths is None else counts
    outputs = recurrence.read_out(states.hidden, states.reads, weights, ends, options.clip)
    (*last,) = (tensor[0] for tensor in _take(states, counts.unsqueeze(0), state, memory.unsqueeze(0)))
    if not keep_states:
        return outputs, NTMState(*last), None
    after = recurrence.places_after(len(inputs), counts)
    return outputs, NTMState(*last), _take(states, after, state, take(states.memory, after))


def give(inputs: Inputs, state: NTMState, weights: NTMWeights, options: NTMOptions) -> tuple[Controller, States]:
    """Gather what the recurrence needs."""
    is_lstm = options.controller == "lstm"
    controller = recurrence.give_controller(inputs, weights.controller, weights.head_weight, weights.head_bias, is_lstm)
    weightings = torch.cat([state.read_weightings, state.write_weightings], dim=1)
    return controller, States(state.memory, weightings, state.reads, *recurrence.give_units(state, controller))


def choose_sizes(controller: Controller, initial: States, options: NTMOptions, keep_states: bool) -> Sizes:
    """Choose what the kernels are compiled for."""
    kind, reads, writes, width, shift_range, addressing, bound = options  # every option
    _, heads, slots = initial.weightings.shape
    _, layers, units = initial.hidden.shape
    gates, starts = len(controller.w_reads), [sum(options.head_sizes[:part]) for part in range(8)]
    offsets = 2 * shift_range + 1 if addressing == "content_and_location" else 0
    assert heads == reads + writes
    blocks = choose_blocks(max(gates, starts[7]), slots, width)
    return Sizes(
        slots=slots, width=width, reads=reads, heads=heads, units=units, layers=layers, gates=gates,
        lstm=kind == "lstm", offsets=offsets, clip=bound, floor=NORM_FLOOR,
        tiny=torch.finfo(initial.memory.dtype).tiny, keep_states=keep_states, every=1 if keep_states else EVERY,
        parameters=starts[7], strength=starts[1], gate=starts[2], shift=starts[3], sharpening=starts[4],
        erase=starts[5], add=starts[6],
        block_rows=blocks.rows, block_columns=blocks.columns, block_slots=blocks.slots,
        slots_power=power(slots), width_power=power(width), heads_power=power(heads), offsets_power=power(offsets),
    )  # fmt: skip


def _take(states: States, places: Tensor, initial: NTMState, memory: Tensor) -> NTMState:
    """Take the state after so many steps, (A, B), of each sequence."""
    weightings, heads = take(states.weightings, places), initial.read_weightings.shape[1]
    units = recurrence.take_units(states.hidden, states.cell, places, initial)
    return NTMState(memory, weightings[:, :, :heads], weightings[:, :, heads:], take(states.reads, places), *units)


CONTROLLED = len(Controller._fields)


class _Recurrence(torch.autograd.Function):
    """All time steps, from what `Controller` and `States` hold to the last memory and every state."""

    @staticmethod
    def forward(ctx: Any, sizes: Sizes, lengths: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        # Imported here, since this file must load where Triton is not installed.
        from tapehead.kernels.ntm_scan.triton.forward import forward

        given = [tensor.contiguous() for tensor in tensors]
        controller, initial = Controller(*given[:CONTROLLED]), States(*given[CONTROLLED:])
        steps, sequences, gates = controller.gates_in.shape
        places = [steps // sizes.every + 1, *[steps + 1] * 4]
        shapes = [(count, *first.shape) for count, first in zip(places, initial, strict=True)]
        parameters = (steps, sequences, sizes.parameters)
        shapes += [(steps, sequences, sizes.layers, gates), parameters, parameters, (steps, *initial.weightings.shape)]
        work = [(sequences, sizes.heads, sizes.width), (sequences, sizes.heads, sizes.slots)]
        *found, keys, interpolated = carve(initial.memory, shapes + work)
        for tensor, first in zip(found, initial, strict=False):
            tensor[0].copy_(first)
        memory = initial.memory.clone()
        if sequences:
            with torch.cuda.device_of(memory):  # Triton launches on the current device
                forward[(sequences,)](
                    controller.gates_in, lengths, *controller.turned(), memory, *found, keys, interpolated,
                    sequences, sizes, num_warps=sizes.warps, enable_fp_fusion=True,
                )  # fmt: skip
        kept_weights = (controller.w_reads, controller.w_hidden, controller.w_below, controller.w_heads)
        ctx.save_for_backward(lengths, *kept_weights, *found)
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
        d_controller = recurrence.weight_gradients(d_gates, d_parameters, reads, hidden, sizes)
        return None, None, *d_controller, *d_initial


BACKEND = Backend("triton", unsupported_reason, scan)
