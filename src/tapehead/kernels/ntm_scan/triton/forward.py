"""The Neural Turing Machine over a sequence in Triton, forward: one program a sequence.

The equations are those of `maths.ntm`; `kernels.triton.parts` says how a program works. What the backward pass needs of
each step is kept: gates, the heads' parameters with their slopes, cosines and weightings. The memory is kept at every
`S.every`-th step only, and the backward pass (`backward`) computes those between again.
"""

from typing import no_type_check

import triton
import triton.language as tl

from tapehead.kernels.triton.parts import (
    control,
    head_outputs,
    logarithm,
    read,
    sigmoid,
    softmax_in_place,
    softmax_rows,
    softplus,
    tanh,
    tile_of_memory,
    unit_rows,
)


@triton.jit(do_not_specialize=["batch"])
@no_type_check
def forward(
    gates_in, lengths, w_reads, w_hidden, w_below, b_below, w_heads, b_heads,
    memory, kept, weightings, reads, hidden, cell, gates, parameters, slopes, cosines, keys, interpolated,
    batch, S: tl.constexpr,
):  # fmt: skip
    """Run one sequence to its end; states are counted from the initial one on."""
    b = tl.program_id(0).to(tl.int64)
    size = S.slots * S.width
    memory += b * size
    keys += b * S.heads * S.width
    interpolated += b * S.heads * S.slots
    for step in range(tl.load(lengths + b)):
        now = step * batch + b
        after = now + batch
        own, own_slopes = parameters + now * S.parameters, slopes + now * S.parameters
        own_cosines = cosines + now * S.heads * S.slots
        before, current = weightings + now * S.heads * S.slots, weightings + after * S.heads * S.slots
        control(now, after, gates_in, w_reads, w_hidden, w_below, b_below, reads, hidden, cell, gates, S)
        set_parameters(own, own_slopes, w_heads, b_heads, hidden + (after * S.layers + S.layers - 1) * S.units, S)
        tl.debug_barrier()
        set_shifts_and_keys(own, keys, S)
        tl.debug_barrier()
        compare(memory, keys, own_cosines, S)
        tl.debug_barrier()
        address(own, own_cosines, before, current, interpolated, S)
        tl.debug_barrier()
        read(memory, current, reads + after * S.reads * S.width, S)
        tl.debug_barrier()
        place = (step + 1) // S.every * batch + b
        write(memory, own, current, kept + place * size, (step + 1) % S.every == 0, S)
        tl.debug_barrier()


@triton.jit
@no_type_check
def set_parameters(parameters, slopes, weight, bias, units, S: tl.constexpr):
    """Compute the head layer, bring each parameter but the shifts into its range, and keep its slope."""
    for first in range(0, S.parameters, S.block_columns):
        places = first + tl.arange(0, S.block_columns)
        inside = places < S.parameters
        value, passes = head_outputs(places, weight, bias, units, S)
        is_tanh = (places < S.strength) | (places >= S.add)
        is_sigmoid = ((places >= S.gate) & (places < S.shift)) | ((places >= S.erase) & (places < S.add))
        is_shift = (places >= S.shift) & (places < S.sharpening)
        squashed, between = tanh(value), sigmoid(value)
        slope = tl.where(value > 20, 1.0, between)
        slope = tl.where(is_tanh, 1 - squashed * squashed, tl.where(is_sigmoid, between * (1 - between), slope))
        positive = softplus(value) + tl.where(places >= S.sharpening, 1.0, 0.0)
        result = tl.where(is_tanh, squashed, tl.where(is_sigmoid, between, positive))
        tl.store(parameters + places, tl.where(is_shift, value, result), mask=inside)
        tl.store(slopes + places, tl.where(is_shift, 1.0, slope) * passes, mask=inside)


@triton.jit
@no_type_check
def set_shifts_and_keys(parameters, keys, S: tl.constexpr):
    """Turn the shifts into weights that sum to 1, and divide the keys by their norms."""
    heads = tl.arange(0, S.heads_power)
    if S.offsets > 0:
        offsets = tl.arange(0, S.offsets_power)
        inside = (heads < S.heads)[:, None] & (offsets < S.offsets)[None, :]
        softmax_in_place(parameters + S.shift + heads[:, None] * S.offsets + offsets[None, :], inside)
    columns = tl.arange(0, S.width_power)
    inside = (heads < S.heads)[:, None] & (columns < S.width)[None, :]
    at = heads[:, None] * S.width + columns[None, :]
    unit, _, _ = unit_rows(tl.load(parameters + at, mask=inside, other=0.0), S.floor)
    tl.store(keys + at, unit, mask=inside)


@triton.jit
@no_type_check
def compare(memory, keys, cosines, S: tl.constexpr):
    """Compute the cosine of every slot and every head's key."""
    columns = tl.arange(0, S.width_power)
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        rows = tl.load(memory + at, mask=inside, other=0.0)
        unit, _, _ = unit_rows(rows, S.floor)
        COUNT: tl.constexpr = S.heads
        for head in tl.static_range(COUNT):
            key = tl.load(keys + head * S.width + columns, mask=columns < S.width, other=0.0)
            tl.store(cosines + head * S.slots + slots, tl.sum(unit * key[None, :], axis=1), mask=slots < S.slots)


@triton.jit
@no_type_check
def address(parameters, cosines, before, current, interpolated, S: tl.constexpr):
    """Compute the weightings of all heads."""
    heads, slots = tl.arange(0, S.heads_power), tl.arange(0, S.slots_power)
    inside = (heads < S.heads)[:, None] & (slots < S.slots)[None, :]
    at = heads[:, None] * S.slots + slots[None, :]
    strength = tl.load(parameters + S.strength + heads, mask=heads < S.heads, other=0.0)
    weighting, _ = softmax_rows(strength, tl.load(cosines + at, mask=inside, other=0.0), inside)
    if S.offsets > 0:
        gate = tl.load(parameters + S.gate + heads, mask=heads < S.heads, other=0.0)
        previous = tl.load(before + at, mask=inside, other=0.0)
        tl.store(interpolated + at, gate[:, None] * weighting + (1 - gate)[:, None] * previous, mask=inside)
        tl.debug_barrier()
        shifted = shift(parameters, interpolated, heads, slots, inside, S)
        sharpening = tl.load(parameters + S.sharpening + heads, mask=heads < S.heads, other=0.0)
        weighting, _ = softmax_rows(sharpening, logarithm(shifted, S), inside)
    tl.store(current + at, weighting, mask=inside)


@triton.jit
@no_type_check
def shift(parameters, interpolated, heads, slots, inside, S: tl.constexpr):
    """Shift the interpolated weightings along the slots."""
    shifted = tl.full((S.heads_power, S.slots_power), 0.0, interpolated.dtype.element_ty)
    COUNT: tl.constexpr = S.offsets
    for offset in tl.static_range(COUNT):
        weight = tl.load(parameters + S.shift + heads * S.offsets + offset, mask=heads < S.heads, other=0.0)
        source = (slots + S.slots + S.offsets // 2 - offset) % S.slots
        shifted += weight[:, None] * tl.load(
            interpolated + heads[:, None] * S.slots + source[None, :], mask=inside, other=0.0
        )
    return shifted


@triton.jit
@no_type_check
def write(memory, parameters, weightings, kept, is_kept, S: tl.constexpr):
    """Write with every write head, one after the other, and keep the memory if it is a step to keep it."""
    columns = tl.arange(0, S.width_power)
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        rows = tl.load(memory + at, mask=inside, other=0.0)
        rows = written(rows, parameters, weightings, slots, columns, S.heads - S.reads, S)
        tl.debug_barrier()
        tl.store(memory + at, rows, mask=inside)
        if is_kept:
            tl.store(kept + at, rows, mask=inside)


@triton.jit
@no_type_check
def written(rows, parameters, weightings, slots, columns, WRITES: tl.constexpr, S: tl.constexpr):
    """Give rows of the memory after the first WRITES write heads."""
    for head in tl.static_range(WRITES):
        weight = tl.load(weightings + (S.reads + head) * S.slots + slots, mask=slots < S.slots, other=0.0)
        erase = tl.load(parameters + S.erase + head * S.width + columns, mask=columns < S.width, other=0.0)
        add = tl.load(parameters + S.add + head * S.width + columns, mask=columns < S.width, other=0.0)
        rows = rows * (1 - weight[:, None] * erase[None, :]) + weight[:, None] * add[None, :]
    return rows
