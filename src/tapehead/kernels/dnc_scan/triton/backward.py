"""The Differentiable Neural Computer over a sequence in Triton, backward; see `forward`."""

from typing import no_type_check

import triton
import triton.language as tl

from tapehead.kernels.dnc_scan.triton.forward import (
    erased,
    find,
    find_writes,
    load_followed,
    load_key,
    load_mode,
    show,
    tile_of_heads,
    tile_of_modes,
    written,
)
from tapehead.kernels.dnc_scan.triton.linkage_backward import (
    allocate_backward,
    link_again,
    link_backward,
    use_backward,
)
from tapehead.kernels.dnc_scan.triton.linkage_forward import retain, sharpen
from tapehead.kernels.triton.parts import (
    control_backward,
    read_backward,
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
    kept_memory, kept_links, usage, weightings, precedence, hidden, cell, gates, parameters, slopes, cosines,
    products, followed, is_linked, places,
    d_kept_memory, d_kept_links, d_usage, d_weightings, d_precedence, d_reads, d_hidden, d_cell,
    content, d_current, d_cosines, d_followed, d_retained, row_sums, ordered, ordered_gradient, segment, segment_links,
    d_memory, d_links, carry_usage, carry_weightings, carry_precedence, carry_reads, carry_hidden, carry_cell,
    d_gates, d_parameters, batch, S: tl.constexpr,
):  # fmt: skip
    """Go back through one sequence; what is carried ends as the gradient of the initial state."""
    b = tl.program_id(0).to(tl.int64)
    size, links_size = S.slots * S.width, S.writes * S.slots * S.slots
    writes, heads, followed_size = S.writes * S.slots, S.heads * S.slots, 2 * S.reads * S.writes * S.slots
    segment, segment_links = segment + b * (S.every + 1) * size, segment_links + b * S.every * links_size
    d_memory, d_links = d_memory + b * size, d_links + b * links_size
    d_current, d_cosines, carry_weightings = d_current + b * heads, d_cosines + b * heads, carry_weightings + b * heads
    content, carry_precedence = content + b * writes, carry_precedence + b * writes
    d_followed, row_sums = d_followed + b * followed_size, row_sums + b * (S.reads + 1) * S.slots
    carry_usage, d_retained = carry_usage + b * S.slots, d_retained + b * S.slots
    ordered, ordered_gradient = ordered + b * S.slots, ordered_gradient + b * S.slots
    length = tl.load(lengths + b)
    for back in range(length):
        step = length - 1 - back
        now = step * batch + b
        after = now + batch
        own, to, slope = parameters + now * S.parameters, d_parameters + now * S.parameters, slopes + now * S.parameters
        before, current, own_cosines = weightings + now * heads, weightings + after * heads, cosines + now * heads
        usage_before, usage_after = usage + now * S.slots, usage + after * S.slots
        own_products, own_places = products + now * writes, places + now * writes
        place = step % S.every
        memory, links = segment + place * size, segment_links + place * links_size
        if (back == 0) | (place == S.every - 1):
            kept = step // S.every * batch + b
            write_again(
                segment, kept_memory + kept * size, parameters, weightings, step - place, place + 1, b, batch, S
            )
            link_again(
                kept_links + kept * links_size, segment_links, weightings, precedence, is_linked, step - place, place,
                b, batch, S,
            )  # fmt: skip
        if S.keep_states:
            add_to_memory(d_memory, d_kept_memory + after * size, S)
        tl.debug_barrier()
        own_carry, own_d_reads = carry_reads + b * S.reads * S.width, d_reads + after * S.reads * S.width
        read_backward(memory + size, d_memory, own_carry, own_d_reads, current, d_current, S)
        tl.debug_barrier()
        address_reads_backward(
            own, to, slope, own_cosines, followed + now * followed_size, d_current, d_weightings + after * heads,
            carry_weightings, d_cosines, d_followed, S,
        )  # fmt: skip
        tl.debug_barrier()
        compare_backward(memory + size, d_memory, own, to, slope, d_cosines, S.read_key, S.read_mask, S.reads, S)
        link_backward(
            links, d_links, d_kept_links + after * links_size, before, current, precedence + now * writes,
            is_linked + now * S.flags, d_followed, d_current, d_weightings + after * heads,
            d_precedence + after * writes, carry_weightings, carry_precedence, row_sums, S,
        )  # fmt: skip
        write_backward(memory, d_memory, own, to, slope, before, current, d_current, d_retained, S)
        find_writes(own, own_cosines + S.reads * S.slots, content, S)
        tl.debug_barrier()
        allocate_backward(
            own, to, slope, usage_after, content, own_products, own_places, d_current, d_cosines, carry_usage,
            d_usage + after * S.slots, ordered, ordered_gradient, S,
        )  # fmt: skip
        tl.debug_barrier()
        find_writes_backward(own, to, slope, own_cosines + S.reads * S.slots, d_cosines, S)
        use_backward(own, to, slope, before, usage_before, d_retained, carry_usage, carry_weightings, S)
        tl.debug_barrier()
        compare_backward(memory, d_memory, own, to, slope, d_cosines, S.write_key, S.write_mask, S.writes, S)
        top = carry_hidden + (b * S.layers + S.layers - 1) * S.units
        store_product(top, w_heads, to, S.parameters, S.units, S.lstm, S)
        tl.debug_barrier()
        control_backward(
            b, now, after, w_reads, w_hidden, w_below, hidden, cell, gates,
            d_hidden, d_cell, carry_hidden, carry_cell, carry_reads, d_gates, S,
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- the memory


@triton.jit
@no_type_check
def write_again(segment, kept, parameters, weightings, first_step, count, b, batch, S: tl.constexpr):
    """Compute the memory before each of so many steps and the one after them, from the one that was kept."""
    size = S.slots * S.width
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        rows = tl.load(kept + at, mask=inside, other=0.0)
        tl.store(segment + at, rows, mask=inside)
        for later in range(count):
            now = (first_step + later) * batch + b
            before, current = weightings + now * S.heads * S.slots, weightings + (now + batch) * S.heads * S.slots
            rows = written(rows, parameters + now * S.parameters, before, current, slots, S)
            tl.store(segment + (later + 1) * size + at, rows, mask=inside)


@triton.jit
@no_type_check
def add_to_memory(d_memory, gradient, S: tl.constexpr):
    """Add a gradient to that of the memory."""
    for first in range(0, S.slots, S.block_slots):
        _, inside, at = tile_of_memory(first, S)
        total = tl.load(d_memory + at, mask=inside, other=0.0) + tl.load(gradient + at, mask=inside, other=0.0)
        tl.debug_barrier()
        tl.store(d_memory + at, total, mask=inside)


@triton.jit
@no_type_check
def write_backward(memory, d_memory, parameters, to, slope, before, current, d_current, d_retained, S: tl.constexpr):
    """Go back through the write heads, and through de-allocation: to where was written, and to the memory before."""
    for head in range(S.writes):
        write_head_backward(memory, d_memory, parameters, to, slope, before, current, d_current, head, S)
    tl.debug_barrier()
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        gradient = tl.load(d_memory + at, mask=inside, other=0.0)
        for head in range(S.writes):
            gradient = gradient * (1 - erased(parameters, current, head, slots, S))
        tl.debug_barrier()
        if S.deallocate:
            rows = tl.load(memory + at, mask=inside, other=0.0)
            tl.store(d_retained + slots, tl.sum(gradient * rows, axis=1), mask=slots < S.slots)
            gradient = gradient * retain(parameters, before, slots, S)[:, None]
        tl.store(d_memory + at, gradient, mask=inside)
    tl.debug_barrier()


@triton.jit
@no_type_check
def write_head_backward(memory, d_memory, parameters, to, slope, before, current, d_current, head, S: tl.constexpr):
    """Go back to what a write head erased and added, and where; the gradient of the memory stays as it is."""
    columns = tl.arange(0, S.width_power)
    in_width = columns < S.width
    at_erase, at_add = S.erase + head * S.width + columns, S.add + head * S.width + columns
    erase = tl.load(parameters + at_erase, mask=in_width, other=0.0)
    add = tl.load(parameters + at_add, mask=in_width, other=0.0)
    d_erase = tl.full((S.block_slots, S.width_power), 0.0, memory.dtype.element_ty)
    d_add = tl.full((S.block_slots, S.width_power), 0.0, memory.dtype.element_ty)
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        place, in_slots = (S.reads + head) * S.slots + slots, slots < S.slots
        gradient = tl.load(d_memory + at, mask=inside, other=0.0)
        rows = tl.load(memory + at, mask=inside, other=0.0)
        if S.deallocate:
            rows = rows * retain(parameters, before, slots, S)[:, None]
        for other in range(S.writes):
            rows = rows * tl.where(other == head, 1.0, 1 - erased(parameters, current, other, slots, S))
        weight = tl.load(current + place, mask=in_slots, other=0.0)
        d_weight = tl.load(d_current + place, mask=in_slots, other=0.0)
        d_weight += tl.sum(gradient * (add[None, :] - rows * erase[None, :]), axis=1)
        tl.debug_barrier()
        tl.store(d_current + place, d_weight, mask=in_slots)
        d_erase -= gradient * rows * weight[:, None]
        d_add += gradient * weight[:, None]
    store_gradient(to, slope, at_erase, tl.sum(d_erase, axis=0), in_width)
    store_gradient(to, slope, at_add, tl.sum(d_add, axis=0), in_width)


# --------------------------------------------------------------------------------------------------------- by content


@triton.jit
@no_type_check
def find_backward(
    gradient, parameters, to, slope, cosines, d_cosines,
    STRENGTH: tl.constexpr, HEADS: tl.constexpr, POWER: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Go back through the content weightings of some heads, to the strengths and the cosines."""
    heads, in_heads, inside, at = tile_of_heads(HEADS, POWER, S)
    weighting, strength, scores = find(parameters, cosines, STRENGTH, HEADS, POWER, S)
    d_strength, d_cosine = softmax_rows_backward(gradient, weighting, strength, scores)
    store_gradient(to, slope, STRENGTH + heads, d_strength, in_heads)
    tl.store(d_cosines + at, d_cosine, mask=inside)


@triton.jit
@no_type_check
def find_writes_backward(parameters, to, slope, cosines, d_cosines, S: tl.constexpr):
    """Go back through the content weightings of all write heads; their gradient is in d_cosines."""
    _, _, inside, at = tile_of_heads(S.writes, S.writes_power, S)
    gradient = tl.load(d_cosines + at, mask=inside, other=0.0)
    tl.debug_barrier()
    find_backward(gradient, parameters, to, slope, cosines, d_cosines, S.write_strength, S.writes, S.writes_power, S)


@triton.jit
@no_type_check
def compare_backward(
    memory, d_memory, parameters, to, slope, d_cosines,
    KEY: tl.constexpr, MASK: tl.constexpr, HEADS: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Go back through the cosines of some heads: give the gradients of keys and masks, and add to the memory's."""
    columns = tl.arange(0, S.width_power)
    in_width = columns < S.width
    for head in range(HEADS):
        mask = parameters + MASK + head * S.width
        key = load_key(parameters, head, KEY, S)
        unit_key, inverse_key, is_key_long = unit_rows(show(key, mask, S), S.floor)
        d_unit_key = tl.full((S.block_slots, S.width_power), 0.0, memory.dtype.element_ty)
        d_mask = tl.full((S.block_slots, S.width_power), 0.0, memory.dtype.element_ty)
        for first in range(0, S.slots, S.block_slots):
            slots, inside, at = tile_of_memory(first, S)
            rows = tl.load(memory + at, mask=inside, other=0.0)
            unit, inverse, is_long = unit_rows(show(rows, mask, S), S.floor)
            d_cosine = tl.load(d_cosines + head * S.slots + slots, mask=slots < S.slots, other=0.0)[:, None]
            d_unit_key += d_cosine * unit
            gradient = unit_rows_backward(d_cosine * unit_key, unit, inverse, is_long)
            if S.masked:
                d_mask += gradient * rows
            total = tl.load(d_memory + at, mask=inside, other=0.0) + show(gradient, mask, S)
            tl.debug_barrier()
            tl.store(d_memory + at, total, mask=inside)
        gradient = unit_rows_backward(tl.sum(d_unit_key, axis=0)[None, :], unit_key, inverse_key, is_key_long)
        at_key = KEY + head * S.width + columns[None, :]
        store_gradient(to, slope, at_key, show(gradient, mask, S), in_width[None, :])
        if S.masked:
            at_mask = MASK + head * S.width + columns[None, :]
            store_gradient(to, slope, at_mask, gradient * key + tl.sum(d_mask, axis=0)[None, :], in_width[None, :])
        tl.debug_barrier()


# ---------------------------------------------------------------------------------------------------- where was read


@triton.jit
@no_type_check
def address_reads_backward(
    parameters, to, slope, cosines, followed, d_current, d_weightings, carried, d_cosines, d_followed, S: tl.constexpr
):
    """Go back through the weightings of all read heads: to the modes, to the cosines and to what was followed."""
    modes = tl.arange(0, S.modes_power)
    _, _, inside, at = tile_of_heads(S.reads, S.reads_power, S)
    gradient = tl.load(d_current + at, mask=inside, other=0.0) + tl.load(carried + at, mask=inside, other=0.0)
    gradient += tl.load(d_weightings + at, mask=inside, other=0.0)
    tl.debug_barrier()
    tl.store(carried + at, tl.zeros_like(gradient), mask=inside)
    content, _, _ = find(parameters, cosines, S.read_strength, S.reads, S.reads_power, S)
    d_modes = tl.where((modes == S.writes)[None, :], tl.sum(gradient * content, axis=1)[:, None], 0.0)
    for head in range(S.writes):
        found = follow_backward(parameters, to, slope, followed, d_followed, gradient, head, head, 1, S)
        d_modes += tl.where((modes == head)[None, :], found[:, None], 0.0)
        mode = S.writes + 1 + head
        found = follow_backward(parameters, to, slope, followed, d_followed, gradient, head, mode, 0, S)
        d_modes += tl.where((modes == mode)[None, :], found[:, None], 0.0)
    gradient = load_mode(parameters, S.writes, S)[:, None] * gradient
    find_backward(gradient, parameters, to, slope, cosines, d_cosines, S.read_strength, S.reads, S.reads_power, S)
    at, inside = tile_of_modes(S)
    weights = tl.load(parameters + at, mask=inside, other=0.0)
    mean = tl.sum(weights * d_modes, axis=1)
    store_gradient(to, slope, at, weights * (d_modes - mean[:, None]), inside)


@triton.jit
@no_type_check
def follow_backward(
    parameters, to, slope, followed, d_followed, gradient, head, mode, DIRECTION: tl.constexpr, S: tl.constexpr
):
    """Go back to what was followed of a write head's links, given the gradient of the read heads' weightings.

    Gives the gradient of the mode, (R,).
    """
    readers, in_readers, inside, at = tile_of_heads(S.reads, S.reads_power, S)
    pairs = readers * S.writes + head
    way, sharpness = load_followed(parameters, followed, head, DIRECTION, S)
    d_way = load_mode(parameters, mode, S)[:, None] * gradient
    if S.sharpen:
        way, scores, floored = sharpen(way, sharpness, inside, S)
        d_sharpness, d_scores = softmax_rows_backward(d_way, way, sharpness, scores)
        place = S.forward_sharpness + DIRECTION * S.reads * S.writes + pairs
        store_gradient(to, slope, place, d_sharpness, in_readers)
        tiny = tl.full(floored.shape, S.tiny, floored.dtype)
        d_way = tl.where(floored < tiny, 0.0, d_scores / tl.where(floored < tiny, tiny, floored))
    at = at + (DIRECTION * S.reads * S.writes + pairs - readers)[:, None] * S.slots
    tl.store(d_followed + at, d_way, mask=inside)
    return tl.sum(gradient * way, axis=1)
