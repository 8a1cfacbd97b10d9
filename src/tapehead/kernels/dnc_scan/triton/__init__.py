"""The Differentiable Neural Computer over a sequence as one launch of a Triton kernel forward, and one backward.

The products that do not depend on the recurrence are torch's, as for the Neural Turing Machine.
"""

from dataclasses import dataclass
from itertools import accumulate
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
from tapehead.maths.dnc import MASK_FLOOR, DNCOptions, DNCState, DNCWeights
from tapehead.maths.linkage import LINK_FLOOR, RESOLUTION

ROUNDERS = {torch.float32: 1.5 * 2.0**23, torch.float64: 1.5 * 2.0**52}
"""What rounds a number of at most `MOST_ROUNDED` to the nearest whole one, when added and subtracted again."""

MOST_ROUNDED = 2**21


@dataclass(frozen=True)
class Sizes(recurrence.Sizes):
    """All that the kernels are compiled for; the heads' parameters lie as `DNCOptions.interface_sizes` says."""

    writes: int  # write heads
    masked: bool
    deallocate: bool
    sharpen: bool
    sparse: int  # K; 0: all links
    flags: int  # numbers that mark, at a step, which slots are linked
    mask_floor: float
    link_floor: float
    resolution: int
    rounder: float
    most_rounded: int
    read_key: int  # where this part of the parameters begins, as the next
    read_strength: int
    write_key: int
    write_strength: int
    erase: int
    add: int
    free_gate: int
    allocation_gate: int
    write_gate: int
    mode: int
    read_mask: int
    write_mask: int
    forward_sharpness: int
    block_links: int  # rows of links
    reads_power: int
    writes_power: int
    modes_power: int

    @property
    def warps(self) -> int:
        """The warps of a program; more where links fill a tile, which takes four out of registers."""
        return max(8 if self.block_links * self.slots_power >= launch.TILE else 4, super().warps)


class States(NamedTuple):
    """A state, or, with an axis of places in front, every one."""

    memory: Tensor  # (B, N, W); not where every state is not kept: then (0,), as the next
    links: Tensor  # (B, H, N, N)
    usage: Tensor  # (B, N)
    weightings: Tensor  # (B, heads, N), read heads first
    precedence: Tensor  # (B, H, N)
    reads: Tensor  # (B, R, W)
    hidden: Tensor  # (B, L, D); a feedforward controller has one layer of units too
    cell: Tensor  # (B, L, D)


def unsupported_reason(problem: Problem[DNCOptions]) -> str | None:
    """Say why the kernels cannot run a problem; None where they can."""
    if problem.options is not None and problem.options.sparse_links is not None and problem.options.sparse_links < 1:
        return "sparse_links: expected at least 1, or None"
    return launch.unsupported_reason(problem)


def scan(
    inputs: Inputs,
    state: DNCState,
    lengths: Lengths | None,
    weights: DNCWeights,
    options: DNCOptions,
    keep_states: bool,
) -> tuple[Outputs, DNCState, DNCState | None]:
    """Run the scan, a program a sequence; a sequence stops at its length."""
    counts = recurrence.count_steps(inputs, lengths)
    controller, initial = give(clear_padding(inputs, lengths), state, weights, options)
    sizes = choose_sizes(controller, initial, options, keep_states)
    memory, links, *found = _Recurrence.apply(sizes, counts, *controller, *initial)  # type: ignore[no-untyped-call]
    states = States(*found)
    ends = None if lengths is None else counts
    outputs = recurrence.read_out(states.hidden, states.reads, weights, ends, options.clip)
    taken = _take(states, counts.unsqueeze(0), state, memory.unsqueeze(0), links.unsqueeze(0))
    (*last,) = (tensor[0] for tensor in taken)
    if not keep_states:
        return outputs, DNCState(*last), None
    after = recurrence.places_after(len(inputs), counts)
    memories, all_links = take(states.memory, after), take(states.links, after)
    return outputs, DNCState(*last), _take(states, after, state, memories, all_links)


def give(inputs: Inputs, state: DNCState, weights: DNCWeights, options: DNCOptions) -> tuple[Controller, States]:
    """Gather what the recurrence needs."""
    controller = recurrence.give_controller(
        inputs, weights.controller, weights.interface_weight, weights.interface_bias, options.controller == "lstm"
    )
    weightings = torch.cat([state.read_weightings, state.write_weightings], dim=1)
    units = recurrence.give_units(state, controller)
    return controller, States(state.memory, state.links, state.usage, weightings, state.precedence, state.reads, *units)


def choose_sizes(controller: Controller, initial: States, options: DNCOptions, keep_states: bool) -> Sizes:
    """Choose what the kernels are compiled for."""
    kind, reads, writes, width, bound, masked, deallocate, sharpen, sparse = options  # every option
    _, heads, slots = initial.weightings.shape
    _, layers, units = initial.hidden.shape
    gates, starts = len(controller.w_reads), [0, *accumulate(options.interface_sizes)]
    assert heads == reads + writes
    blocks = choose_blocks(max(gates, starts[-1]), slots, width)
    dtype = initial.memory.dtype
    return Sizes(
        slots=slots, width=width, reads=reads, heads=heads, units=units, layers=layers, gates=gates,
        lstm=kind == "lstm", clip=bound, floor=NORM_FLOOR, tiny=torch.finfo(dtype).tiny,
        keep_states=keep_states, every=1 if keep_states else EVERY, parameters=starts[-1],
        block_rows=blocks.rows, block_columns=blocks.columns, block_slots=blocks.slots,
        slots_power=power(slots), width_power=power(width),
        writes=writes, masked=masked, deallocate=deallocate, sharpen=sharpen, sparse=sparse or 0,
        flags=2 * writes * slots if sparse else 0, mask_floor=MASK_FLOOR, link_floor=LINK_FLOOR,
        resolution=RESOLUTION, rounder=ROUNDERS[dtype], most_rounded=MOST_ROUNDED,
        read_key=starts[0], read_strength=starts[1], write_key=starts[2], write_strength=starts[3],
        erase=starts[4], add=starts[5], free_gate=starts[6], allocation_gate=starts[7], write_gate=starts[8],
        mode=starts[9], read_mask=starts[10], write_mask=starts[11], forward_sharpness=starts[12],
        block_links=blocks.links,
        reads_power=power(reads), writes_power=power(writes), modes_power=power(options.read_modes),
    )  # fmt: skip


def _take(states: States, places: Tensor, initial: DNCState, memory: Tensor, links: Tensor) -> DNCState:
    """Take the state after so many steps, (A, B), of each sequence."""
    usage, weightings, precedence, reads = (
        take(tensor, places) for tensor in (states.usage, states.weightings, states.precedence, states.reads)
    )
    heads = initial.read_weightings.shape[1]
    units = recurrence.take_units(states.hidden, states.cell, places, initial)
    return DNCState(memory, usage, weightings[:, :, :heads], weightings[:, :, heads:], precedence, links, reads, *units)


CONTROLLED = len(Controller._fields)


class _Recurrence(torch.autograd.Function):
    """All time steps, from what `Controller` and `States` hold to the last memory and links, and every state."""

    @staticmethod
    def forward(ctx: Any, sizes: Sizes, lengths: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        # Imported here, since this file must load where Triton is not installed.
        from tapehead.kernels.dnc_scan.triton.forward import forward

        given = [tensor.contiguous() for tensor in tensors]
        controller, initial = Controller(*given[:CONTROLLED]), States(*given[CONTROLLED:])
        steps, sequences, gates = controller.gates_in.shape
        places = [*[steps // sizes.every + 1] * 2, *[steps + 1] * 6]
        shapes = [(count, *first.shape) for count, first in zip(places, initial, strict=True)]
        each, parameters = (steps, sequences), (steps, sequences, sizes.parameters)
        shapes += [(*each, sizes.layers, gates), parameters, parameters, (steps, *initial.weightings.shape)]
        shapes += [(*each, sizes.writes, sizes.slots), (*each, 2, sizes.reads, sizes.writes, sizes.slots)]
        shapes += [(*each, sizes.flags)]
        slots = (sequences, sizes.slots)
        *found, content, used, ordered = carve(
            initial.memory, [*shapes, (sequences, sizes.writes, sizes.slots), slots, slots]
        )
        in_order = torch.zeros(*each, sizes.writes, sizes.slots, dtype=torch.int32, device=lengths.device)
        for tensor, first in zip(found, initial, strict=False):
            tensor[0].copy_(first)
        memory, links = initial.memory.clone(), initial.links.clone()
        if sequences:
            with torch.cuda.device_of(memory):  # Triton launches on the current device
                forward[(sequences,)](
                    controller.gates_in, lengths, *controller.turned(), memory, links, *found,
                    content, used, ordered, in_order, sequences, sizes, num_warps=sizes.warps, enable_fp_fusion=True,
                )  # fmt: skip
        kept_weights = (controller.w_reads, controller.w_hidden, controller.w_below, controller.w_heads)
        ctx.save_for_backward(lengths, *kept_weights, *found, in_order)
        ctx.sizes = sizes
        kept, states = found[:2], found[2 : len(initial)]
        kept = kept if sizes.keep_states else [memory.new_zeros(0), memory.new_zeros(0)]
        return memory, links, *kept, *states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("backend 'triton' has no second derivatives; backend='reference' has")
        from tapehead.kernels.dnc_scan.triton.backward import backward

        lengths, *weights, kept_memory, kept_links, usage, weightings, precedence, reads, hidden, cell = (
            ctx.saved_tensors[:13]
        )
        gates, parameters, slopes, cosines, products, followed, is_linked, places = ctx.saved_tensors[13:]
        sizes: Sizes = ctx.sizes
        sequences, slots = len(lengths), (len(lengths), sizes.slots)
        d_memory, d_links, *d_states = (gradient.contiguous() for gradient in gradients)
        d_memory, d_links, after = d_memory.clone(), d_links.clone(), States(*d_states)
        work = [products.shape[1:], weightings.shape[1:], weightings.shape[1:], followed.shape[1:], slots]
        work += [(sequences, sizes.reads + 1, sizes.slots), slots, slots]
        work += [(sequences, sizes.every + 1, sizes.slots, sizes.width)]
        work += [(sequences, sizes.every, *kept_links.shape[2:])]
        carried = [tensor.shape[1:] for tensor in (usage, weightings, precedence, reads, hidden, cell)]
        scratch = carve(usage, [*work, *carried, gates.shape, parameters.shape])
        work, carried = scratch[: len(work)], scratch[len(work) : -2]
        d_gates, d_parameters = scratch[-2:]
        if sequences:
            with torch.cuda.device_of(d_memory):
                backward[(sequences,)](
                    lengths, *weights, kept_memory, kept_links, usage, weightings, precedence, hidden, cell,
                    gates, parameters, slopes, cosines, products, followed, is_linked, places, *after, *work,
                    d_memory, d_links, *carried, d_gates, d_parameters, sequences, sizes,
                    num_warps=sizes.warps, enable_fp_fusion=True,
                )  # fmt: skip
        if sizes.keep_states:
            d_memory += after.memory[0]
            d_links += after.links[0]
        d_initial = (d_memory, d_links, *(own + first[0] for own, first in zip(carried, after[2:], strict=True)))
        d_controller = recurrence.weight_gradients(d_gates, d_parameters, reads, hidden, sizes)
        return None, None, *d_controller, *d_initial


BACKEND = Backend("triton", unsupported_reason, scan)
