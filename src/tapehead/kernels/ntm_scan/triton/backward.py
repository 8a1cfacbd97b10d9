"""The Neural Turing Machine over a sequence in Triton, backward; see `forward`."""

from typing import no_type_check

import triton
import triton.language as tl

from tapehead.kernels.ntm_scan.triton.forward import shift, written
from tapehead.kernels.triton.parts import (
    control_backward,
    logarithm,
    read_backward,
    softmax_rows,
    softmax_rows_backward,
    store_gradient,
    store_product,
    tile_of_memory,
    unit_rows,
    unit_rows_backward,
)


@triton.jit(do_not_specialize=["batch"])
@no_type_check
def backward(
    lengths, w_reads, w_hidden, w_below, w_heads,
    kept, weightings, hidden, cell, gates, parameters, slopes, cosines, d_current, d_shifted, segment,
    d_weightings, d_reads, d_hidden, d_cell, d_kept,
    d_memory, carry_weightings, carry_reads, carry_hidden, carry_cell, d_gates, d_parameters,
    batch, S: tl.constexpr,
):  # fmt: skip
    """Go back through one sequence; what is carried ends as the gradient of the initial state."""
    b = tl.program_id(0).to(tl.int64)
    size = S.slots * S.width
    segment += b * S.every * size
    d_memory += b * size
    d_current += b * S.heads * S.slots
    d_shifted += b * S.heads * S.slots
    carry_weightings += b * S.heads * S.slots
    length = tl.load(lengths + b)
    for back in range(length):
        step = length - 1 - back
        now = step * batch + b
        after = now + batch
        own, to, slope = parameters + now * S.parameters, d_parameters + now * S.parameters, slopes + now * S.parameters
        before, current = weightings + now * S.heads * S.slots, weightings + after * S.heads * S.slots
        own_cosines, d_after = cosines + now * S.heads * S.slots, d_weightings + after * S.heads * S.slots
        own_carry, own_d_reads = carry_reads + b * S.reads * S.width, d_reads + after * S.reads * S.width
        memory = segment + step % S.every * size
        if (back == 0) | (step % S.every == S.every - 1):
            write_again(segment, kept, parameters, weightings, step, b, batch, S)
            tl.debug_barrier()
        write_backward(memory, d_memory, d_kept + after * size, own, to, slope, current, d_current, S)
        read_backward(memory, d_memory, own_carry, own_d_reads, current, d_current, S)
        tl.debug_barrier()
        address_backward(own, to, slope, own_cosines, before, d_current, d_shifted, d_after, carry_weightings, S)
        tl.debug_barrier()
        keys_backward(memory, own, to, slope, d_current, S)
        compare_backward(memory, d_memory, own, d_current, S)
        tl.debug_barrier()
        top = carry_hidden + (b * S.layers + S.layers - 1) * S.units
        store_product(top, w_heads, to, S.parameters, S.units, S.lstm, S)
        tl.debug_barrier()
        control_backward(
            b, now, after, w_reads, w_hidden, w_below, hidden, cell, gates,
            d_hidden, d_cell, carry_hidden, carry_cell, carry_reads, d_gates, S,
        )  # fmt: skip


@triton.jit
@no_type_check
def write_again(segment, kept, parameters, weightings, step, b, batch, S: tl.constexpr):
    """Compute the memory before this step, and before each since the one at which it was kept."""
    columns = tl.arange(0, S.width_power)
    place, size = step % S.every, S.slots * S.width
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        rows = tl.load(kept + (step // S.every * batch + b) * size + at, mask=inside, other=0.0)
        tl.store(segment + at, rows, mask=inside)
        for later in range(place):
            now = (step - place + later) * batch + b
            current = weightings + (now + batch) * S.heads * S.slots
            rows = written(rows, parameters + now * S.parameters, current, slots, columns, S.heads - S.reads, S)
            tl.store(segment + (later + 1) * size + at, rows, mask=inside)


@triton.jit
@no_type_check
def write_backward(memory, d_memory, d_kept, parameters, to, slope, weightings, d_weightings, S: tl.constexpr):
    """Go back through the write heads, the last one first."""
    COUNT: tl.constexpr = S.heads - S.reads
    for others in tl.static_range(COUNT):
        write_head_backward(
            memory, d_memory, d_kept, parameters, to, slope, weightings, d_weightings, COUNT - 1 - others, S
        )
        tl.debug_barrier()


@triton.jit
@no_type_check
def write_head_backward(
    memory, d_memory, d_kept, parameters, to, slope, weightings, d_weightings, HEAD: tl.constexpr, S: tl.constexpr
):
    """Go back through a write head; the last one adds the gradient of the memory that was kept."""
    columns = tl.arange(0, S.width_power)
    in_width = columns < S.width
    at_erase, at_add = S.erase + HEAD * S.width + columns, S.add + HEAD * S.width + columns
    erase = tl.load(parameters + at_erase, mask=in_width, other=0.0)
    add = tl.load(parameters + at_add, mask=in_width, other=0.0)
    d_erase = tl.full((S.block_slots, S.width_power), 0.0, memory.dtype.element_ty)
    d_add = tl.full((S.block_slots, S.width_power), 0.0, memory.dtype.element_ty)
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        rows = tl.load(memory + at, mask=inside, other=0.0)
        rows = written(rows, parameters, weightings, slots, columns, HEAD, S)
        d_rows = tl.load(d_memory + at, mask=inside, other=0.0)
        if S.keep_states and S.reads + HEAD == S.heads - 1:
            d_rows += tl.load(d_kept + at, mask=inside, other=0.0)
        weight = tl.load(weightings + (S.reads + HEAD) * S.slots + slots, mask=slots < S.slots, other=0.0)
        tl.debug_barrier()
        d_weight = tl.sum(d_rows * (add[None, :] - rows * erase[None, :]), axis=1)
        tl.store(d_weightings + (S.reads + HEAD) * S.slots + slots, d_weight, mask=slots < S.slots)
        tl.store(d_memory + at, d_rows * (1 - weight[:, None] * erase[None, :]), mask=inside)
        d_erase -= d_rows * rows * weight[:, None]
        d_add += d_rows * weight[:, None]
    store_gradient(to, slope, at_erase, tl.sum(d_erase, axis=0), in_width)
    store_gradient(to, slope, at_add, tl.sum(d_add, axis=0), in_width)


@triton.jit
@no_type_check
def address_backward(
    parameters, to, slope, cosines, before, d_current, d_shifted, d_weightings, carried, S: tl.constexpr
):
    """Go back through the weightings of all heads; d_current ends as the gradient of the cosines."""
    heads, slots = tl.arange(0, S.heads_power), tl.arange(0, S.slots_power)
    in_heads = heads < S.heads
    inside = in_heads[:, None] & (slots < S.slots)[None, :]
    at = heads[:, None] * S.slots + slots[None, :]
    gradient = tl.load(d_current + at, mask=inside, other=0.0) + tl.load(carried + at, mask=inside, other=0.0)
    gradient += tl.load(d_weightings + at, mask=inside, other=0.0)
    tl.debug_barrier()
    strength = tl.load(parameters + S.strength + heads, mask=in_heads, other=0.0)
    by_content, scores = softmax_rows(strength, tl.load(cosines + at, mask=inside, other=0.0), inside)
    carry = tl.full((S.heads_power, S.slots_power), 0.0, d_current.dtype.element_ty)
    if S.offsets > 0:
        gate = tl.load(parameters + S.gate + heads, mask=in_heads, other=0.0)
        previous = tl.load(before + at, mask=inside, other=0.0)
        tl.store(d_current + at, gate[:, None] * by_content + (1 - gate)[:, None] * previous, mask=inside)
        tl.debug_barrier()
        gradient = shift_backward(parameters, to, slope, d_current, d_shifted, gradient, heads, slots, inside, S)
        d_gate = tl.sum(gradient * (by_content - previous), axis=1)
        store_gradient(to, slope, S.gate + heads, d_gate, in_heads)
        carry = (1 - gate)[:, None] * gradient
        gradient = gate[:, None] * gradient
        tl.debug_barrier()
    tl.store(carried + at, carry, mask=inside)
    d_strength, d_cosine = softmax_rows_backward(gradient, by_content, strength, scores)
    store_gradient(to, slope, S.strength + heads, d_strength, in_heads)
    tl.store(d_current + at, d_cosine, mask=inside)


@triton.jit
@no_type_check
def shift_backward(parameters, to, slope, interpolated, d_shifted, gradient, heads, slots, inside, S: tl.constexpr):
    """Go back through sharpening and shifting: give the gradient of the interpolated weightings."""
    in_heads = heads < S.heads
    shifted = shift(parameters, interpolated, heads, slots, inside, S)
    sharpening = tl.load(parameters + S.sharpening + heads, mask=in_heads, other=0.0)
    sharp, scores = softmax_rows(sharpening, logarithm(shifted, S), inside)
    d_sharpening, d_scores = softmax_rows_backward(gradient, sharp, sharpening, scores)
    store_gradient(to, slope, S.sharpening + heads, d_sharpening, in_heads)
    tiny = tl.full(shifted.shape, S.tiny, shifted.dtype)
    d_own = tl.where(shifted < tiny, 0.0, d_scores / tl.where(shifted < tiny, tiny, shifted))
    row = heads[:, None] * S.slots
    tl.store(d_shifted + row + slots[None, :], d_own, mask=inside)
    tl.debug_barrier()
    offsets = tl.arange(0, S.offsets_power)
    d_weights = tl.full((S.heads_power, S.offsets_power), 0.0, shifted.dtype)
    gradient = tl.zeros_like(shifted)
    COUNT: tl.constexpr = S.offsets
    for offset in tl.static_range(COUNT):
        source = (slots + S.slots + S.offsets // 2 - offset) % S.slots
        value = tl.load(interpolated + row + source[None, :], mask=inside, other=0.0)
        found = tl.sum(tl.where(inside, d_own * value, 0.0), axis=1)
        d_weights = tl.where(offsets[None, :] == offset, found[:, None], d_weights)
        weight = tl.load(parameters + S.shift + heads * S.offsets + offset, mask=in_heads, other=0.0)
        target = (slots + S.slots - S.offsets // 2 + offset) % S.slots
        gradient += weight[:, None] * tl.load(d_shifted + row + target[None, :], mask=inside, other=0.0)
    at = S.shift + heads[:, None] * S.offsets + offsets[None, :]
    in_shifts = in_heads[:, None] & (offsets < S.offsets)[None, :]
    weights = tl.load(parameters + at, mask=in_shifts, other=0.0)
    mean = tl.sum(weights * d_weights, axis=1)
    store_gradient(to, slope, at, weights * (d_weights - mean[:, None]), in_shifts)
    return gradient


@triton.jit
@no_type_check
def keys_backward(memory, parameters, to, slope, d_cosines, S: tl.constexpr):
    """Give the gradient of the keys."""
    columns = tl.arange(0, S.width_power)
    COUNT: tl.constexpr = S.heads
    for head in tl.static_range(COUNT):
        total = tl.full((S.block_slots, S.width_power), 0.0, memory.dtype.element_ty)
        for first in range(0, S.slots, S.block_slots):
            slots, inside, at = tile_of_memory(first, S)
            rows = tl.load(memory + at, mask=inside, other=0.0)
            unit, _, _ = unit_rows(rows, S.floor)
            total += tl.load(d_cosines + head * S.slots + slots, mask=slots < S.slots, other=0.0)[:, None] * unit
        at_key = head * S.width + columns[None, :]
        in_key = columns[None, :] < S.width
        unit_key, inverse, is_long = unit_rows(tl.load(parameters + at_key, mask=in_key, other=0.0), S.floor)
        gradient = unit_rows_backward(tl.sum(total, axis=0)[None, :], unit_key, inverse, is_long)
        store_gradient(to, slope, at_key, gradient, in_key)


@triton.jit
@no_type_check
def compare_backward(memory, d_memory, parameters, d_cosines, S: tl.constexpr):
    """Add the gradient of the memory by way of the cosines."""
    columns = tl.arange(0, S.width_power)
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        unit, inverse, is_long = unit_rows(tl.load(memory + at, mask=inside, other=0.0), S.floor)
        total = tl.full((S.block_slots, S.width_power), 0.0, memory.dtype.element_ty)
        COUNT: tl.constexpr = S.heads
        for head in tl.static_range(COUNT):
            key = tl.load(parameters + head * S.width + columns, mask=columns < S.width, other=0.0)
            key, _, _ = unit_rows(key[None, :], S.floor)
            total += tl.load(d_cosines + head * S.slots + slots, mask=slots < S.slots, other=0.0)[:, None] * key
        d_rows = tl.load(d_memory + at, mask=inside, other=0.0) + unit_rows_backward(total, unit, inverse, is_long)
        tl.debug_barrier()
        tl.store(d_memory + at, d_rows, mask=inside)
