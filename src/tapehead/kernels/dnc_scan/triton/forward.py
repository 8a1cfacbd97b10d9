"""The Differentiable Neural Computer over a sequence in Triton, forward: one program a sequence.

The equations are those of `maths.dnc`; `kernels.triton.parts` says how a program works. What the backward pass needs of
each step is kept: gates, the heads' parameters with their slopes, cosines, the free list, what was followed, and all of
the state but memory and links. These are kept at every `S.every`-th step only, and the backward pass (`backward`)
computes those between again.
"""

from typing import no_type_check

import triton
import triton.language as tl

from tapehead.kernels.dnc_scan.triton.linkage_forward import (
    allocate,
    keep_top_k,
    link_and_follow,
    retain,
    sharpen,
    use,
)
from tapehead.kernels.triton.parts import (
    control,
    head_outputs,
    read,
    sigmoid,
    softmax_in_place,
    softmax_rows,
    softplus,
    tile_of_memory,
    unit_rows,
)


@triton.jit(do_not_specialize=["batch"])
@no_type_check
def forward(
    gates_in, lengths, w_reads, w_hidden, w_below, b_below, w_heads, b_heads,
    memory, links, kept_memory, kept_links, usage, weightings, precedence, reads, hidden, cell,
    gates, parameters, slopes, cosines, products, followed, is_linked, content, used, ordered, places,
    batch, S: tl.constexpr,
):  # fmt: skip
    """Run one sequence to its end; states are counted from the initial one on."""
    b = tl.program_id(0).to(tl.int64)
    size, links_size = S.slots * S.width, S.writes * S.slots * S.slots
    memory += b * size
    links += b * links_size
    content += b * S.writes * S.slots
    used += b * S.slots
    ordered += b * S.slots
    for step in range(tl.load(lengths + b)):
        now = step * batch + b
        after = now + batch
        own, own_cosines = parameters + now * S.parameters, cosines + now * S.heads * S.slots
        before, current = weightings + now * S.heads * S.slots, weightings + after * S.heads * S.slots
        own_linked, own_followed = is_linked + now * S.flags, followed + now * 2 * S.reads * S.writes * S.slots
        preceding, usage_after = precedence + now * S.writes * S.slots, usage + after * S.slots
        kept, is_kept = (step + 1) // S.every * batch + b, (step + 1) % S.every == 0
        control(now, after, gates_in, w_reads, w_hidden, w_below, b_below, reads, hidden, cell, gates, S)
        units = hidden + (after * S.layers + S.layers - 1) * S.units
        set_parameters(own, slopes + now * S.parameters, w_heads, b_heads, units, S)
        tl.debug_barrier()
        set_modes(own, S)
        use(own, before, usage + now * S.slots, usage_after, S)
        compare(memory, own, own_cosines + S.reads * S.slots, S.write_key, S.write_mask, S.writes, S)
        tl.debug_barrier()
        find_writes(own, own_cosines + S.reads * S.slots, content, S)
        tl.debug_barrier()
        own_products, own_places = products + now * S.writes * S.slots, places + now * S.writes * S.slots
        allocate(own, usage_after, content, current, own_products, own_places, used, ordered, S)
        tl.debug_barrier()
        write(memory, own, before, current, kept_memory + kept * size, is_kept, S)
        if S.sparse > 0:
            keep_top_k(current, preceding, own_linked, S)
        tl.debug_barrier()
        link_and_follow(
            links, before, current, preceding, precedence + after * S.writes * S.slots, own_linked, own_followed,
            kept_links + kept * links_size, is_kept, S,
        )  # fmt: skip
        compare(memory, own, own_cosines, S.read_key, S.read_mask, S.reads, S)
        tl.debug_barrier()
        address_reads(own, own_cosines, own_followed, current, S)
        tl.debug_barrier()
        read(memory, current, reads + after * S.reads * S.width, S)
        tl.debug_barrier()


@triton.jit
@no_type_check
def set_parameters(parameters, slopes, weight, bias, units, S: tl.constexpr):
    """Compute the interface layer, bring each parameter but the modes into its range, and keep its slope."""
    for first in range(0, S.parameters, S.block_columns):
        places = first + tl.arange(0, S.block_columns)
        inside = places < S.parameters
        value, passes = head_outputs(places, weight, bias, units, S)
        is_gate = ((places >= S.erase) & (places < S.add)) | ((places >= S.free_gate) & (places < S.mode))
        is_mask = (places >= S.read_mask) & (places < S.forward_sharpness)
        is_strength = ((places >= S.read_strength) & (places < S.write_key)) | (places >= S.forward_sharpness)
        is_strength = is_strength | ((places >= S.write_strength) & (places < S.erase))
        between, floor = sigmoid(value), tl.full(value.shape, S.mask_floor, value.dtype)
        slope = between * (1 - between)
        mask_slope = (1 - floor) * slope
        strength_slope = tl.where(value > 20, 1.0, between)
        slope = tl.where(is_strength, strength_slope, tl.where(is_mask, mask_slope, tl.where(is_gate, slope, 1.0)))
        result = tl.where(is_mask, floor + (1 - floor) * between, tl.where(is_gate, between, value))
        result = tl.where(is_strength, 1 + softplus(value), result)
        tl.store(parameters + places, result, mask=inside)
        tl.store(slopes + places, slope * passes, mask=inside)


@triton.jit
@no_type_check
def set_modes(parameters, S: tl.constexpr):
    """Turn the read modes into weights that sum to 1."""
    at, inside = tile_of_modes(S)
    softmax_in_place(parameters + at, inside)


@triton.jit
@no_type_check
def tile_of_modes(S: tl.constexpr):
    """Give where the modes of all read heads are, and which of a tile exist."""
    readers, modes = tl.arange(0, S.reads_power), tl.arange(0, S.modes_power)
    at = S.mode + readers[:, None] * (2 * S.writes + 1) + modes[None, :]
    return at, (readers < S.reads)[:, None] & (modes < 2 * S.writes + 1)[None, :]


# -------------------------------------------------------------------------------------------------------- by content


@triton.jit
@no_type_check
def show(rows, mask, S: tl.constexpr):
    """Scale the columns of rows (A, W) by a head's mask, where there are masks."""
    if S.masked:
        columns = tl.arange(0, S.width_power)
        rows = rows * tl.load(mask + columns, mask=columns < S.width, other=0.0)[None, :]
    return rows


@triton.jit
@no_type_check
def load_key(parameters, head, KEY: tl.constexpr, S: tl.constexpr):
    """Load a head's key, as a row."""
    columns = tl.arange(0, S.width_power)[None, :]
    return tl.load(parameters + KEY + head * S.width + columns, mask=columns < S.width, other=0.0)


@triton.jit
@no_type_check
def compare(memory, parameters, cosines, KEY: tl.constexpr, MASK: tl.constexpr, HEADS: tl.constexpr, S: tl.constexpr):
    """Compute the cosine of every slot and the key of each of some heads."""
    for head in range(HEADS):
        mask = parameters + MASK + head * S.width
        key = unit_rows(show(load_key(parameters, head, KEY, S), mask, S), S.floor)[0]
        for first in range(0, S.slots, S.block_slots):
            slots, inside, at = tile_of_memory(first, S)
            unit = unit_rows(show(tl.load(memory + at, mask=inside, other=0.0), mask, S), S.floor)[0]
            tl.store(cosines + head * S.slots + slots, tl.sum(unit * key, axis=1), mask=slots < S.slots)


@triton.jit
@no_type_check
def tile_of_heads(HEADS: tl.constexpr, POWER: tl.constexpr, S: tl.constexpr):
    """Give some heads, the slots, which of their pairs exist, and the places of these."""
    heads, slots = tl.arange(0, POWER), tl.arange(0, S.slots_power)
    inside = (heads < HEADS)[:, None] & (slots < S.slots)[None, :]
    return heads, heads < HEADS, inside, heads[:, None] * S.slots + slots[None, :]


@triton.jit
@no_type_check
def find(parameters, cosines, STRENGTH: tl.constexpr, HEADS: tl.constexpr, POWER: tl.constexpr, S: tl.constexpr):
    """Give the content weightings of some heads, the strengths, and the softmax's scores."""
    heads, in_heads, inside, at = tile_of_heads(HEADS, POWER, S)
    strength = tl.load(parameters + STRENGTH + heads, mask=in_heads, other=0.0)
    weighting, scores = softmax_rows(strength, tl.load(cosines + at, mask=inside, other=0.0), inside)
    return weighting, strength, scores


@triton.jit
@no_type_check
def find_writes(parameters, cosines, content, S: tl.constexpr):
    """Store the content weightings of all write heads."""
    _, _, inside, at = tile_of_heads(S.writes, S.writes_power, S)
    weighting, _, _ = find(parameters, cosines, S.write_strength, S.writes, S.writes_power, S)
    tl.store(content + at, weighting, mask=inside)


# ---------------------------------------------------------------------------------------------------- reads and writes


@triton.jit
@no_type_check
def load_followed(parameters, followed, head, DIRECTION: tl.constexpr, S: tl.constexpr):
    """Load what all read heads followed of a write head's links, as it was found; and what it is sharpened with.

    DIRECTION is 0 for forward, 1 for backward.
    """
    readers, in_readers, inside, at = tile_of_heads(S.reads, S.reads_power, S)
    pairs = readers * S.writes + head
    at = at + (DIRECTION * S.reads * S.writes + pairs - readers)[:, None] * S.slots
    sharpness = tl.full((S.reads_power,), 1.0, followed.dtype.element_ty)
    if S.sharpen:
        place = S.forward_sharpness + DIRECTION * S.reads * S.writes + pairs
        sharpness = tl.load(parameters + place, mask=in_readers, other=1.0)
    return tl.load(followed + at, mask=inside, other=0.0), sharpness


@triton.jit
@no_type_check
def load_mode(parameters, mode, S: tl.constexpr):
    """Load a mode of all read heads."""
    readers = tl.arange(0, S.reads_power)
    return tl.load(parameters + S.mode + readers * (2 * S.writes + 1) + mode, mask=readers < S.reads, other=0.0)


@triton.jit
@no_type_check
def address_reads(parameters, cosines, followed, current, S: tl.constexpr):
    """Compute the weightings of all read heads."""
    _, _, inside, at = tile_of_heads(S.reads, S.reads_power, S)
    content, _, _ = find(parameters, cosines, S.read_strength, S.reads, S.reads_power, S)
    total = load_mode(parameters, S.writes, S)[:, None] * content
    for head in range(S.writes):
        behind, sharpness = load_followed(parameters, followed, head, 1, S)
        ahead, ahead_sharpness = load_followed(parameters, followed, head, 0, S)
        if S.sharpen:
            behind = sharpen(behind, sharpness, inside, S)[0]
            ahead = sharpen(ahead, ahead_sharpness, inside, S)[0]
        total += load_mode(parameters, head, S)[:, None] * behind
        total += load_mode(parameters, S.writes + 1 + head, S)[:, None] * ahead
    tl.store(current + at, total, mask=inside)


@triton.jit
@no_type_check
def write(memory, parameters, before, current, kept, is_kept, S: tl.constexpr):
    """Write with all write heads together, and keep the memory if it is a step to keep it."""
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        rows = written(tl.load(memory + at, mask=inside, other=0.0), parameters, before, current, slots, S)
        tl.debug_barrier()
        tl.store(memory + at, rows, mask=inside)
        if is_kept:
            tl.store(kept + at, rows, mask=inside)


@triton.jit
@no_type_check
def written(rows, parameters, before, current, slots, S: tl.constexpr):
    """Give rows of the memory after a step: freed where that is wanted, then erased, then added to."""
    columns = tl.arange(0, S.width_power)
    if S.deallocate:
        rows = rows * retain(parameters, before, slots, S)[:, None]
    for head in range(S.writes):
        rows = rows * (1 - erased(parameters, current, head, slots, S))
    for head in range(S.writes):
        weight = tl.load(current + (S.reads + head) * S.slots + slots, mask=slots < S.slots, other=0.0)
        add = tl.load(parameters + S.add + head * S.width + columns, mask=columns < S.width, other=0.0)
        rows += weight[:, None] * add[None, :]
    return rows


@triton.jit
@no_type_check
def erased(parameters, current, head, slots, S: tl.constexpr):
    """Give how much a write head erases of rows of the memory."""
    columns = tl.arange(0, S.width_power)
    weight = tl.load(current + (S.reads + head) * S.slots + slots, mask=slots < S.slots, other=0.0)
    erase = tl.load(parameters + S.erase + head * S.width + columns, mask=columns < S.width, other=0.0)
    return weight[:, None] * erase[None, :]
