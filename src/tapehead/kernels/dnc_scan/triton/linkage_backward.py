"""How the Differentiable Neural Computer allocates and links, in Triton, backward; see `linkage_forward`.

No gradient goes through an order of slots, and nothing is divided by a usage, which may be 0.
"""

from typing import no_type_check

import triton
import triton.language as tl

from tapehead.kernels.dnc_scan.triton.linkage_forward import fill, linked, relink, retain, tile_of_links


@triton.jit
@no_type_check
def store_scalar_gradient(to, slope, place, gradient):
    """Store the gradient of one output of the head layer, given that of a parameter."""
    tl.store(to + place, gradient * tl.load(slope + place))


# --------------------------------------------------------------------------------------------------------------- links


@triton.jit
@no_type_check
def link_again(kept, segment, weightings, precedence, is_linked, first_step, count, b, batch, S: tl.constexpr):
    """Compute the links before each of so many steps and the one after them, from those that were kept."""
    size = S.writes * S.slots * S.slots
    for head in range(S.writes):
        for first in range(0, S.slots, S.block_links):
            rows, columns, inside, may_link, at = tile_of_links(first, S)
            place = head * S.slots * S.slots + at
            links = tl.load(kept + place, mask=inside, other=0.0)
            tl.store(segment + place, links, mask=inside)
            for later in range(count):
                now = (first_step + later) * batch + b
                written = weightings + ((now + batch) * S.heads + S.reads + head) * S.slots
                to_flags = is_linked + now * S.flags + head * S.slots
                of = linked(precedence + (now * S.writes + head) * S.slots, to_flags + S.writes * S.slots, columns, S)
                to_rows, to_columns = linked(written, to_flags, rows, S), linked(written, to_flags, columns, S)
                links = relink(links, to_rows, to_columns, of, may_link)
                tl.store(segment + (later + 1) * size + place, links, mask=inside)


@triton.jit
@no_type_check
def link_backward(
    links, d_links, d_kept, before, current, precedence, is_linked, d_followed, d_current, d_weightings, d_precedence,
    carry_weightings, carry_precedence, row_sums, S: tl.constexpr,
):  # fmt: skip
    """Go back through links and precedence of all write heads; `row_sums` (R + 1, N) is to work in.

    The gradient of where was written is completed in `d_current`, that of where was read before begun in
    `carry_weightings`.
    """
    readers, columns = tl.arange(0, S.reads_power), tl.arange(0, S.slots_power)
    in_slots = columns < S.slots
    in_readers = (readers < S.reads)[:, None] & in_slots[None, :]
    at_readers = readers[:, None] * S.slots + columns[None, :]
    for head in range(S.writes):
        written, to_flags = current + (S.reads + head) * S.slots, is_linked + head * S.slots
        to = linked(written, to_flags, columns, S)
        d_reading, d_to, d_of = link_head_backward(
            links, d_links, d_kept, before, written, precedence + head * S.slots, to_flags, d_followed, row_sums,
            head, S,
        )  # fmt: skip
        tl.debug_barrier()
        carried = tl.load(carry_weightings + at_readers, mask=in_readers, other=0.0)
        carried += d_reading + tl.load(row_sums + at_readers, mask=in_readers, other=0.0)
        d_to += tl.load(row_sums + S.reads * S.slots + columns, mask=in_slots, other=0.0)
        own, place = head * S.slots + columns, (S.reads + head) * S.slots + columns
        d_recent = tl.load(carry_precedence + own, mask=in_slots, other=0.0)
        d_recent += tl.load(d_precedence + own, mask=in_slots, other=0.0)
        recent = tl.load(precedence + own, mask=in_slots, other=0.0)
        d_writing = tl.load(carry_weightings + place, mask=in_slots, other=0.0)
        d_writing += tl.load(d_weightings + place, mask=in_slots, other=0.0)
        tl.debug_barrier()
        tl.store(carry_weightings + at_readers, carried, mask=in_readers)
        d_to += d_recent - tl.sum(d_recent * recent, axis=0)
        if S.sparse > 0:
            flags = to_flags + columns
            d_to = tl.where(tl.load(flags, mask=in_slots, other=0.0) != 0, d_to, 0.0)
            d_of = tl.where(tl.load(flags + S.writes * S.slots, mask=in_slots, other=0.0) != 0, d_of, 0.0)
        tl.store(carry_precedence + own, (1 - tl.sum(to, axis=0)) * d_recent + d_of, mask=in_slots)
        tl.store(d_current + place, d_writing + d_to, mask=in_slots)
        tl.debug_barrier()


@triton.jit
@no_type_check
def link_head_backward(
    links, d_links, d_kept, before, written, precedence, to_flags, d_followed, row_sums, head, S: tl.constexpr
):
    """Go back through the links of a write head; give what their columns sum to.

    That is for the weightings of the read heads (R, N), for where was written and for the precedence, (N,) each.
    """
    readers, columns = tl.arange(0, S.reads_power), tl.arange(0, S.slots_power)
    of_flags = to_flags + S.writes * S.slots
    to, of = linked(written, to_flags, columns, S), linked(precedence, of_flags, columns, S)
    d_reading = tl.full((S.reads_power, S.slots_power), 0.0, links.dtype.element_ty)
    d_to, d_of = tl.zeros_like(to), tl.zeros_like(of)
    for first in range(0, S.slots, S.block_links):
        rows, _, inside, may_link, at = tile_of_links(first, S)
        in_rows, in_columns = rows < S.slots, columns < S.slots
        place = head * S.slots * S.slots + at
        to_rows = linked(written, to_flags, rows, S)
        link = tl.load(links + place, mask=inside, other=0.0)
        gradient = tl.load(d_links + place, mask=inside, other=0.0)
        if S.keep_states:
            gradient += tl.load(d_kept + place, mask=inside, other=0.0)
        new = relink(link, to_rows, to, of, may_link)
        for reader in range(S.reads):
            ahead = d_followed + (reader * S.writes + head) * S.slots
            d_ahead = tl.load(ahead + rows, mask=in_rows, other=0.0)
            d_behind = tl.load(ahead + S.reads * S.writes * S.slots + columns, mask=in_columns, other=0.0)
            at_rows = tl.load(before + reader * S.slots + rows, mask=in_rows, other=0.0)
            at_columns = tl.load(before + reader * S.slots + columns, mask=in_columns, other=0.0)
            tl.store(row_sums + reader * S.slots + rows, tl.sum(new * d_behind[None, :], axis=1), mask=in_rows)
            found = tl.sum(new * d_ahead[:, None], axis=0)
            d_reading += tl.where(readers[:, None] == reader, found[None, :], 0.0)
            gradient += d_ahead[:, None] * at_columns[None, :] + at_rows[:, None] * d_behind[None, :]
        gradient = tl.where(may_link, gradient, 0.0)
        for_row = tl.sum(gradient * (of[None, :] - link), axis=1)
        tl.store(row_sums + S.reads * S.slots + rows, for_row, mask=in_rows)
        d_of += tl.sum(gradient * to_rows[:, None], axis=0)
        d_to -= tl.sum(gradient * link, axis=0)
        tl.debug_barrier()
        tl.store(d_links + place, gradient * (1 - to_rows[:, None] - to[None, :]), mask=inside)
    return d_reading, d_to, d_of


# ---------------------------------------------------------------------------------------------------------- allocation


@triton.jit
@no_type_check
def chain(factor, value, next_factor, next_value):
    """Compose x -> value + factor * x with the next such function."""
    return factor * next_factor, next_value + next_factor * value


@triton.jit
@no_type_check
def use_before_head(parameters, usage, products, head, S: tl.constexpr):
    """Compute what a write head finds in use, given the products that `allocate` kept."""
    slots = tl.arange(0, S.slots_power)
    used = tl.load(usage + slots, mask=slots < S.slots, other=0.0)
    for earlier in range(head):
        product = tl.load(products + earlier * S.slots + slots, mask=slots < S.slots, other=0.0)
        gate = tl.load(parameters + S.write_gate + earlier) * tl.load(parameters + S.allocation_gate + earlier)
        used += (1 - used) * gate * ((1 - used) * product)
    return used


@triton.jit
@no_type_check
def allocate_backward(
    parameters, to, slope, usage, content, products, places, d_current, d_content, carry_usage, d_usage,
    ordered, ordered_gradient, S: tl.constexpr,
):  # fmt: skip
    """Go back through the weightings of all write heads and the allocations, the last head first.

    Gives the gradient of their content weightings, and completes that of the usage in `carry_usage`.
    """
    slots = tl.arange(0, S.slots_power)
    inside = slots < S.slots
    d_used = tl.full((S.slots_power,), 0.0, usage.dtype.element_ty)
    for back in range(S.writes):
        head = S.writes - 1 - back
        own = head * S.slots + slots
        used = use_before_head(parameters, usage, products, head, S)
        place = tl.load(places + own, mask=inside, other=0)
        product = tl.load(products + own, mask=inside, other=0.0)
        free, found = (1 - used) * product, tl.load(content + own, mask=inside, other=0.0)
        write_gate = tl.load(parameters + S.write_gate + head)
        gate = tl.load(parameters + S.allocation_gate + head)
        d_chosen = tl.load(d_current + S.reads * S.slots + own, mask=inside, other=0.0)
        taken = (1 - used) * d_used  # by the heads after this one, of what it is about to write to
        d_both = tl.sum((d_chosen + taken) * free, axis=0)
        by_content = tl.sum(d_chosen * found, axis=0)
        store_scalar_gradient(to, slope, S.write_gate + head, gate * d_both + (1 - gate) * by_content)
        store_scalar_gradient(to, slope, S.allocation_gate + head, write_gate * (d_both - by_content))
        tl.store(d_content + own, write_gate * (1 - gate) * d_chosen, mask=inside)
        d_free = write_gate * gate * (d_chosen + taken)
        d_used = (1 - write_gate * gate * free) * d_used
        d_later = after_in_order(used, d_free, place, ordered, ordered_gradient, S)
        d_used += product * (d_later - d_free)
    d_used += tl.load(carry_usage + slots, mask=inside, other=0.0) + tl.load(d_usage + slots, mask=inside, other=0.0)
    tl.debug_barrier()
    tl.store(carry_usage + slots, d_used, mask=inside)


@triton.jit
@no_type_check
def after_in_order(used, d_free, place, ordered, ordered_gradient, S: tl.constexpr):
    """Give the gradient of the product of usages that goes from each slot to the next in order.

    From the last one on it is d = (1 - u) d_free + u d of the slot after it.
    """
    slots = tl.arange(0, S.slots_power)
    inside = slots < S.slots
    from_end = S.slots - 1 - place
    tl.store(ordered + from_end, used, mask=inside)
    tl.store(ordered_gradient + from_end, d_free, mask=inside)
    tl.debug_barrier()
    factor = tl.load(ordered + slots, mask=inside, other=0.0)
    value = (1 - factor) * tl.load(ordered_gradient + slots, mask=inside, other=0.0)
    tl.debug_barrier()
    _, d_product = tl.associative_scan((factor, value), 0, chain)
    tl.store(ordered + slots, d_product, mask=inside)
    tl.debug_barrier()
    d_later = tl.load(ordered + from_end - 1, mask=inside & (from_end > 0), other=0.0)
    tl.debug_barrier()
    return d_later


# --------------------------------------------------------------------------------------------------------------- usage


@triton.jit
@no_type_check
def use_backward(parameters, to, slope, before, usage, d_retained, carry_usage, carry_weightings, S: tl.constexpr):
    """Go back through the usage, to the usage and the weightings before."""
    slots = tl.arange(0, S.slots_power)
    inside = slots < S.slots
    d_after = tl.load(carry_usage + slots, mask=inside, other=0.0)
    d_stays = d_after * fill(usage, before, S.writes, slots, S)
    if S.deallocate:
        d_stays += tl.load(d_retained + slots, mask=inside, other=0.0)
    d_used = d_after * retain(parameters, before, slots, S)
    for back in range(S.writes):
        head = S.writes - 1 - back
        place = (S.reads + head) * S.slots + slots
        used = fill(usage, before, head, slots, S)
        tl.store(carry_weightings + place, d_used * (1 - used), mask=inside)
        d_used = d_used * (1 - tl.load(before + place, mask=inside, other=0.0))
    tl.debug_barrier()
    tl.store(carry_usage + slots, d_used, mask=inside)
    for head in range(S.reads):
        d_factor = d_stays
        for other in range(S.reads):
            freed = tl.load(parameters + S.free_gate + other)
            freed = freed * tl.load(before + other * S.slots + slots, mask=inside, other=0.0)
            d_factor = d_factor * tl.where(other == head, 1.0, 1 - freed)
        place = head * S.slots + slots
        carried = tl.load(carry_weightings + place, mask=inside, other=0.0)
        carried -= tl.load(parameters + S.free_gate + head) * d_factor
        tl.debug_barrier()
        tl.store(carry_weightings + place, carried, mask=inside)
        weight = tl.load(before + place, mask=inside, other=0.0)
        store_scalar_gradient(to, slope, S.free_gate + head, -tl.sum(d_factor * weight, axis=0))
