"""The equations of the Differentiable Neural Computer backwards, each under its own name.

Each takes what its equation needs and the slope of the score in what the equation gives, and gives the slopes in what
the equation takes. A variable `in_x` is the slope in x. Shapes are those of the equations, in `maths`.
"""

from functools import reduce

import torch
from torch import Tensor

from tapehead.maths import dnc, linkage
from tapehead.maths.addressing import NORM_FLOOR
from tapehead.maths.dnc import MASK_FLOOR, DNCOptions, DNCState, Interface


def look(
    memory: Tensor, links: Tensor, previous: Tensor, interface: Interface, slope: Tensor
) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
    """Give the slopes in what the read heads are told, in the memory, in the links, and in where they were."""
    forward, backward = linkage.forward(links, previous), linkage.backward(links, previous)
    told, heads = {}, links.shape[1]
    in_ways = interface.read_modes.unsqueeze(-1) * slope.unsqueeze(-2)
    in_backward, in_found, in_forward = in_ways.split([heads, 1, heads], -2)
    if interface.forward_sharpness is not None and interface.backward_sharpness is not None:
        in_forward, told["forward_sharpness"] = sharpen_followed(forward, interface.forward_sharpness, in_forward)
        in_backward, told["backward_sharpness"] = sharpen_followed(backward, interface.backward_sharpness, in_backward)
        forward = linkage.sharpen_followed(forward, interface.forward_sharpness)
        backward = linkage.sharpen_followed(backward, interface.backward_sharpness)
    found = dnc.address_by_content(memory, interface.read_keys, interface.read_strengths, interface.read_masks)
    ways = torch.cat([backward, found.unsqueeze(-2), forward], -2)
    told["read_modes"] = (ways @ slope.unsqueeze(-1)).squeeze(-1)
    in_memory, told["read_keys"], told["read_strengths"], told["read_masks"] = find(
        memory, interface.read_keys, interface.read_strengths, interface.read_masks, found, in_found.squeeze(-2)
    )
    was = previous.unsqueeze(-3)
    in_forward, in_backward = in_forward.transpose(-2, -3), in_backward.transpose(-2, -3)
    in_links = in_forward.transpose(-1, -2) @ was + was.transpose(-1, -2) @ in_backward
    in_previous = (in_forward @ links + in_backward @ links.transpose(-1, -2)).sum(-3)
    return told, in_memory, in_links, in_previous


def link(
    precedence: Tensor, links: Tensor, written: Tensor, in_precedence: Tensor, in_links: Tensor, options: DNCOptions
) -> tuple[Tensor, Tensor, Tensor]:
    """Give the slopes in the write weightings, the precedence before, and the links before."""
    kept_to, kept_of = _kept(written, options.sparse_links), _kept(precedence, options.sparse_links)
    to, of = kept_to * written, kept_of * precedence
    in_links = in_links.masked_fill(torch.eye(links.shape[-1], dtype=torch.bool, device=links.device), 0.0)
    faded = in_links * links
    in_to = (in_links @ of.unsqueeze(-1)).squeeze(-1) - faded.sum(-1) - faded.sum(-2)
    in_to = in_to + in_precedence - (in_precedence * precedence).sum(-1, keepdim=True)
    in_of = (to.unsqueeze(-2) @ in_links).squeeze(-2)
    in_before = (1 - to.sum(-1, keepdim=True)) * in_precedence + kept_of * in_of
    return kept_to * in_to, in_before, (1 - to.unsqueeze(-1) - to.unsqueeze(-2)) * in_links


def _kept(weighting: Tensor, count: int | None) -> Tensor:
    """1 where `thin` keeps a weighting, and 0 elsewhere."""
    if count is None:
        return torch.ones_like(weighting)
    return torch.zeros_like(weighting).scatter(-1, linkage.top_k(weighting, count), 1.0)


def write(
    before: DNCState,
    written: DNCState,
    interface: Interface,
    in_memory: Tensor,
    in_usage: Tensor,
    in_marks: Tensor,
    options: DNCOptions,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Give the slopes in what the write heads are told and in the parts of the state before."""
    retained = linkage.retention(before.read_weightings, interface.free_gates)
    allocated = linkage.allocations(written.usage, interface.write_gates, interface.allocation_gates)
    found = dnc.address_by_content(
        before.memory, interface.write_keys, interface.write_strengths, interface.write_masks
    )
    left = linkage.deallocate(before.memory, retained) if options.deallocate else before.memory
    in_left, in_marks_written, in_erase, in_add = write_together(
        left, written.write_weightings, interface.erase, interface.add, in_memory
    )
    in_marks = in_marks + in_marks_written
    write_gates, allocation_gates = interface.write_gates.unsqueeze(-1), interface.allocation_gates.unsqueeze(-1)
    in_mixed = write_gates * in_marks
    in_write_gates = (in_marks * torch.lerp(found, allocated, allocation_gates)).sum(-1)
    in_allocation_gates = (in_mixed * (allocated - found)).sum(-1)
    in_memory, in_keys, in_strengths, in_masks = find(
        before.memory,
        interface.write_keys,
        interface.write_strengths,
        interface.write_masks,
        found,
        (1 - allocation_gates) * in_mixed,
    )
    in_allocating, in_gates = allocations(
        written.usage, interface.write_gates * interface.allocation_gates, allocated, allocation_gates * in_mixed
    )
    in_used, in_written_before, in_retained = usage(
        before.usage, before.write_weightings, retained, in_usage + in_allocating
    )
    if options.deallocate:
        in_retained = in_retained + (in_left * before.memory).sum(-1)
        in_left = in_left * retained.unsqueeze(-1)
    in_factors = product(1 - interface.free_gates.unsqueeze(-1) * before.read_weightings, in_retained)
    told = {
        "write_keys": in_keys,
        "write_strengths": in_strengths,
        "write_masks": in_masks,
        "erase": in_erase,
        "add": in_add,
        "free_gates": -(in_factors * before.read_weightings).sum(-1),
        "allocation_gates": in_allocation_gates + in_gates * interface.write_gates,
        "write_gates": in_write_gates + in_gates * interface.allocation_gates,
    }
    return told, {
        "memory": in_memory + in_left,
        "usage": in_used,
        "read_weightings": -interface.free_gates.unsqueeze(-1) * in_factors,
        "write_weightings": in_written_before,
    }


def write_together(
    memory: Tensor, weighting: Tensor, erase: Tensor, add: Tensor, slope: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give the slopes in all that it takes."""
    erased = weighting.unsqueeze(-1) * erase.unsqueeze(-2)  # (B, H, N, W)
    in_erased = -product((1 - erased).flatten(2), (slope * memory).flatten(1)).view_as(erased)
    in_weighting = (in_erased @ erase.unsqueeze(-1)).squeeze(-1) + add @ slope.transpose(-1, -2)
    in_erase = (weighting.unsqueeze(-2) @ in_erased).squeeze(-2)
    return slope * (1 - erased).prod(1), in_weighting, in_erase, weighting @ slope


def product(factors: Tensor, slope: Tensor) -> Tensor:
    """Give the slopes in each factor of a product over the heads, (B, heads, ...): the product of the others."""
    heads = factors.unbind(1)
    others = [[factor for place, factor in enumerate(heads) if place != head] for head in range(len(heads))]
    return torch.stack([reduce(torch.mul, [slope, *factors_left]) for factors_left in others], 1)


def usage(previous: Tensor, written: Tensor, retained: Tensor, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Give the slopes in all that it takes."""
    used = [previous]
    for weighting in written.unbind(-2):
        used.append(used[-1] + (1 - used[-1]) * weighting)
    in_retained, in_used, in_written = slope * used[-1], slope * retained, []
    for before, weighting in zip(reversed(used[:-1]), reversed(written.unbind(-2)), strict=True):
        in_written.append(in_used * (1 - before))
        in_used = in_used * (1 - weighting)
    return in_used, torch.stack(in_written[::-1], -2), in_retained


def allocations(usage: Tensor, gates: Tensor, offers: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    """Give the slopes in the usage and in the product of the two gates, which only matter as a product."""
    usages = [usage]
    for gate, offer in zip(gates.unbind(-1)[:-1], offers.unbind(-2)[:-1], strict=True):
        usages.append(usages[-1] + (1 - usages[-1]) * gate.unsqueeze(-1) * offer)
    in_gates = torch.zeros_like(gates)
    in_usage = torch.zeros_like(usage)
    for head in reversed(range(len(usages))):
        in_offer, taken = slope[:, head], (1 - usages[head]) * in_usage
        in_offer = in_offer + gates[:, head, None] * taken
        in_gates[:, head] = (taken * offers[:, head]).sum(-1)
        passed = (1 - gates[:, head, None] * offers[:, head]) * in_usage
        in_usage = passed + allocation(usages[head], in_offer)
    return in_usage, in_gates


def allocation(usage: Tensor, slope: Tensor) -> Tensor:
    """Give the slopes in the usage, found in one pass from the most used slot to the least.

    a_j = (1 - u_j) p_j and p_{j+1} = u_j p_j along the list; so the slope in p_j is (1 - u_j) s_j + u_j times that in
    p_{j+1}, and the slope in u_j is p_j (that in p_{j+1} - s_j). Nothing is divided by.
    """
    order = linkage.free_list(usage)
    used, slope = usage.gather(-1, order), slope.gather(-1, order)
    products = [torch.ones_like(used[:, 0])]
    for one in used.unbind(-1)[:-1]:
        products.append(products[-1] * one)
    in_product, in_used = torch.zeros_like(used[:, 0]), []
    for place in reversed(range(len(products))):
        in_used.append(products[place] * (in_product - slope[:, place]))
        in_product = (1 - used[:, place]) * slope[:, place] + used[:, place] * in_product
    sorted_slopes = torch.stack(in_used[::-1], -1)
    return sorted_slopes.scatter(-1, order, sorted_slopes)


def find(
    memory: Tensor, keys: Tensor, strengths: Tensor, masks: Tensor | None, found: Tensor, slope: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give the slopes in the memory, the keys, the strengths and the masks."""
    shown = torch.ones_like(keys) if masks is None else masks
    rows, key_rows = memory.unsqueeze(1) * shown.unsqueeze(-2), keys * shown  # (B, heads, N, W), (B, heads, W)
    (directions, lengths), (key_directions, key_lengths) = _directions(rows), _directions(key_rows)
    cosine = (directions @ key_directions.unsqueeze(-1)).squeeze(-1)
    in_scores = softmax(found, slope)
    in_strengths = (in_scores * (cosine - cosine.amax(-1, keepdim=True))).sum(-1)
    in_cosine = strengths.unsqueeze(-1) * in_scores
    in_rows = _direction(directions, lengths, in_cosine.unsqueeze(-1) * key_directions.unsqueeze(-2))
    in_keys = _direction(key_directions, key_lengths, (in_cosine.unsqueeze(-2) @ directions).squeeze(-2))
    in_masks = (in_rows * memory.unsqueeze(1)).sum(-2) + in_keys * keys
    return (in_rows * shown.unsqueeze(-2)).sum(1), in_keys * shown, in_strengths, in_masks


def _directions(rows: Tensor) -> tuple[Tensor, Tensor]:
    lengths = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    return rows / lengths.clamp(min=NORM_FLOOR), lengths


def _direction(directions: Tensor, lengths: Tensor, slope: Tensor) -> Tensor:
    """Give the slope in rows divided by their lengths: none along the row, but where it is short of NORM_FLOOR."""
    along = (directions * slope).sum(-1, keepdim=True) * (lengths >= NORM_FLOOR)
    return (slope - directions * along) / lengths.clamp(min=NORM_FLOOR)


def sharpen_followed(followed: Tensor, sharpness: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    """Give the slopes in what was followed and in the sharpness."""
    logarithms = (followed + linkage.LINK_FLOOR).log()
    in_scores = softmax(linkage.sharpen_followed(followed, sharpness), slope)
    in_sharpness = (in_scores * (logarithms - logarithms.amax(-1, keepdim=True))).sum(-1)
    return sharpness.unsqueeze(-1) * in_scores / (followed + linkage.LINK_FLOOR), in_sharpness


def softmax(softmax: Tensor, slope: Tensor) -> Tensor:
    """Give the slope in what a softmax is taken of."""
    return softmax * (slope - (softmax * slope).sum(-1, keepdim=True))


def through_clip(slope: Tensor, raw: Tensor, clip: float | None) -> Tensor:
    """Give the slope in what is cut off: none where it was."""
    return slope if clip is None else slope * (raw.abs() <= clip)


def interface_parameters(raw: Tensor, interface: Interface, slopes: dict[str, Tensor], options: DNCOptions) -> Tensor:
    """Give the slopes in the interface layer's output."""
    inside = []
    for name, value in interface._asdict().items():
        if value is None:
            continue
        slope = slopes[name]
        if name.endswith(("strengths", "sharpness")):
            slope = slope * -torch.expm1(1 - value)
        elif name.endswith(("gates", "erase")):
            slope = slope * value * (1 - value)
        elif name.endswith("masks"):
            slope = slope * (value - MASK_FLOOR) * (1 - value) / (1 - MASK_FLOOR)
        elif name == "read_modes":
            slope = softmax(value, slope)
        inside.append(slope.flatten(1))
    return through_clip(torch.cat(inside, -1), raw, options.clip)


def lstm(sums: Tensor, cell_before: Tensor, cell: Tensor, in_hidden: Tensor, in_cell: Tensor) -> tuple[Tensor, Tensor]:
    """Give the slopes in what the gates add up and in the cell before."""
    input_gate, forget_gate, candidate, output_gate = sums.chunk(4, -1)
    enter, forget, leave = (torch.sigmoid(gate) for gate in (input_gate, forget_gate, output_gate))
    candidate, shown = torch.tanh(candidate), torch.tanh(cell)
    in_cell = in_cell + in_hidden * leave * (1 - shown**2)
    in_gates = [
        in_cell * candidate * enter * (1 - enter),
        in_cell * cell_before * forget * (1 - forget),
        in_cell * enter * (1 - candidate**2),
        in_hidden * shown * leave * (1 - leave),
    ]
    return torch.cat(in_gates, -1), in_cell * forget
