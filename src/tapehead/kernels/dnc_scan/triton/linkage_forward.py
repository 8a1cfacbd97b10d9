"""How the Differentiable Neural Computer allocates free slots and records its order of writing, in Triton, forward.

The equations are those of `maths.linkage`; `kernels.triton.parts` says how a program works. Loops over heads stay
loops, so that a program does not grow with them.
"""

from typing import no_type_check

import triton
import triton.language as tl

from tapehead.kernels.triton.parts import logarithm, softmax_rows

# --------------------------------------------------------------------------------------------------------------- usage


@triton.jit
@no_type_check
def retain(parameters, before, slots, S: tl.constexpr):
    """Compute how much of these slots is retained, given where was read before."""
    stays = tl.full(slots.shape, 1.0, before.dtype.element_ty)
    for head in range(S.reads):
        weight = tl.load(before + head * S.slots + slots, mask=slots < S.slots, other=0.0)
        stays = stays * (1 - tl.load(parameters + S.free_gate + head) * weight)
    return stays


@triton.jit
@no_type_check
def fill(usage, before, heads, slots, S: tl.constexpr):
    """Compute the usage of all slots after the first so many write heads wrote, given where they did."""
    used = tl.load(usage + slots, mask=slots < S.slots, other=0.0)
    for head in range(heads):
        used += (1 - used) * tl.load(before + (S.reads + head) * S.slots + slots, mask=slots < S.slots, other=0.0)
    return used


@triton.jit
@no_type_check
def use(parameters, before, usage, usage_after, S: tl.constexpr):
    """Bring the usage up to date."""
    slots = tl.arange(0, S.slots_power)
    used = fill(usage, before, S.writes, slots, S) * retain(parameters, before, slots, S)
    tl.store(usage_after + slots, used, mask=slots < S.slots)


# --------------------------------------------------------------------------------------------------- slots in order


@triton.jit
@no_type_check
def sort_key(values, SIGN: tl.constexpr, S: tl.constexpr):
    """Round numbers from 0 to 1 for sorting; NaN counts as the largest. SIGN -1 turns the order round."""
    scaled = values * S.resolution
    rounder = tl.full(values.shape, S.rounder, values.dtype)
    rounded = tl.where(tl.abs(scaled) < S.most_rounded, (scaled + rounder) - rounder, scaled)
    is_number = (scaled < 0) | (scaled >= 0)
    return tl.where(is_number, rounded * SIGN, SIGN * float("inf"))


@triton.jit
@no_type_check
def count_before(values, rows, SIGN: tl.constexpr, S: tl.constexpr):
    """Count the slots that come before these: their places in a stable sort, as integers (A,)."""
    columns = tl.arange(0, S.slots_power)
    own = sort_key(tl.load(values + rows, mask=rows < S.slots, other=0.0), SIGN, S)[:, None]
    others = sort_key(tl.load(values + columns, mask=columns < S.slots, other=0.0), SIGN, S)[None, :]
    is_before = (others < own) | ((others == own) & (columns[None, :] < rows[:, None]))
    return tl.sum((is_before & (columns < S.slots)[None, :]).to(tl.int32), axis=1)


@triton.jit
@no_type_check
def keep_top_k(current, precedence, is_linked, S: tl.constexpr):
    """Mark, with 1 and 0, the slots with the largest weights: where was written now, and of the precedence before."""
    for head in range(S.writes):
        for first in range(0, S.slots, S.block_links):
            rows = first + tl.arange(0, S.block_links)
            for_to = count_before(current + (S.reads + head) * S.slots, rows, -1, S)
            for_of = count_before(precedence + head * S.slots, rows, -1, S)
            to = is_linked + head * S.slots + rows
            tl.store(to, tl.where(for_to < S.sparse, 1.0, 0.0), mask=rows < S.slots)
            tl.store(to + S.writes * S.slots, tl.where(for_of < S.sparse, 1.0, 0.0), mask=rows < S.slots)


@triton.jit
@no_type_check
def linked(weights, is_linked, slots, S: tl.constexpr):
    """Load the weights of these slots, 0 where they are not linked."""
    value = tl.load(weights + slots, mask=slots < S.slots, other=0.0)
    if S.sparse > 0:
        value = tl.where(tl.load(is_linked + slots, mask=slots < S.slots, other=0.0) != 0, value, 0.0)
    return value


# ---------------------------------------------------------------------------------------------------------- allocation


@triton.jit
@no_type_check
def allocate(parameters, usage, content, current, products, places, used, ordered, S: tl.constexpr):
    """Compute the weightings of all write heads; `used` and `ordered` are to work in.

    `products` keeps each slot's product of the usages of all slots before it in order, `places` its place there.
    """
    slots = tl.arange(0, S.slots_power)
    inside = slots < S.slots
    in_use = tl.load(usage + slots, mask=inside, other=0.0)
    for head in range(S.writes):
        own = head * S.slots + slots
        tl.store(used + slots, in_use, mask=inside)
        tl.debug_barrier()
        for first in range(0, S.slots, S.block_links):
            rows = first + tl.arange(0, S.block_links)
            place = count_before(used, rows, 1, S)
            tl.store(places + head * S.slots + rows, place, mask=rows < S.slots)
            value = tl.load(used + rows, mask=rows < S.slots, other=0.0)
            tl.store(ordered + place, value, mask=rows < S.slots)
        tl.debug_barrier()
        earlier = tl.load(ordered + slots - 1, mask=inside & (slots > 0), other=1.0)
        tl.debug_barrier()
        tl.store(ordered + slots, tl.cumprod(earlier, axis=0), mask=inside)
        tl.debug_barrier()
        product = tl.load(ordered + tl.load(places + own, mask=inside, other=0), mask=inside, other=0.0)
        tl.store(products + own, product, mask=inside)
        free = (1 - in_use) * product
        write_gate = tl.load(parameters + S.write_gate + head)
        gate = tl.load(parameters + S.allocation_gate + head)
        chosen = gate * free + (1 - gate) * tl.load(content + own, mask=inside, other=0.0) + 0 * free  # NaN where inf
        tl.store(current + S.reads * S.slots + own, write_gate * chosen, mask=inside)
        in_use += (1 - in_use) * (write_gate * gate) * free
        tl.debug_barrier()


# --------------------------------------------------------------------------------------------------------------- links


@triton.jit
@no_type_check
def tile_of_links(first, S: tl.constexpr):
    """Give the rows from `first` on that a tile holds, its columns, which of its numbers may be links, their places."""
    rows, columns = first + tl.arange(0, S.block_links), tl.arange(0, S.slots_power)
    inside = (rows < S.slots)[:, None] & (columns < S.slots)[None, :]
    at = rows[:, None] * S.slots + columns[None, :]
    return rows, columns, inside, inside & (rows[:, None] != columns[None, :]), at


@triton.jit
@no_type_check
def relink(links, to_rows, to_columns, of_columns, may_link):
    """Give a tile of links after a step."""
    new = (1 - to_rows[:, None] - to_columns[None, :]) * links + to_rows[:, None] * of_columns[None, :]
    return tl.where(may_link, new, 0.0)


@triton.jit
@no_type_check
def link_and_follow(
    links, before, current, precedence, precedence_after, is_linked, followed, kept, is_kept, S: tl.constexpr
):
    """Bring precedence and links up to date, and follow the links, forward and backward, from where was read last."""
    readers, columns = tl.arange(0, S.reads_power), tl.arange(0, S.slots_power)
    in_readers = (readers < S.reads)[:, None] & (columns < S.slots)[None, :]
    for head in range(S.writes):
        written, preceding = current + (S.reads + head) * S.slots, precedence + head * S.slots
        to_flags = is_linked + head * S.slots
        of_flags = to_flags + S.writes * S.slots
        to, of = linked(written, to_flags, columns, S), linked(preceding, of_flags, columns, S)
        recent = tl.load(preceding + columns, mask=columns < S.slots, other=0.0)
        tl.store(
            precedence_after + head * S.slots + columns, (1 - tl.sum(to, axis=0)) * recent + to, mask=columns < S.slots
        )
        backward = tl.full((S.reads_power, S.slots_power), 0.0, links.dtype.element_ty)
        for first in range(0, S.slots, S.block_links):
            rows, _, inside, may_link, at = tile_of_links(first, S)
            place = head * S.slots * S.slots + at
            new = tl.load(links + place, mask=inside, other=0.0)
            new = relink(new, linked(written, to_flags, rows, S), to, of, may_link)
            tl.debug_barrier()
            tl.store(links + place, new, mask=inside)
            if is_kept:
                tl.store(kept + place, new, mask=inside)
            for reader in range(S.reads):
                reading = before + reader * S.slots
                at_columns = tl.load(reading + columns, mask=columns < S.slots, other=0.0)
                at_rows = tl.load(reading + rows, mask=rows < S.slots, other=0.0)
                forward = tl.sum(new * at_columns[None, :], axis=1)
                tl.store(followed + (reader * S.writes + head) * S.slots + rows, forward, mask=rows < S.slots)
                found = tl.sum(new * at_rows[:, None], axis=0)
                backward += tl.where(readers[:, None] == reader, found[None, :], 0.0)
        to_backward = followed + ((S.reads + readers) * S.writes + head)[:, None] * S.slots + columns[None, :]
        tl.store(to_backward, backward, mask=in_readers)


@triton.jit
@no_type_check
def sharpen(value, sharpness, inside, S: tl.constexpr):
    """Sharpen what read heads (A, N) followed, given their sharpness (A,); give scores and logarithm's argument too."""
    value = value + tl.full(value.shape, S.link_floor, value.dtype)
    sharp, scores = softmax_rows(sharpness, logarithm(value, S), inside)
    return sharp, scores, value
