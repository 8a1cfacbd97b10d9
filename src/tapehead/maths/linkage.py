"""How the Differentiable Neural Computer allocates free slots, and records in which order it wrote.

Graves et al. 2016 (Nature 538, 471-476), Methods, "Dynamic memory allocation" to "Read weighting". The paper has one
write head; what several do follows its authors' published code, and with one is the paper. The options of Csordas &
Schmidhuber 2019 (arXiv 1904.10278) that change these equations are functions of their own. Every function is finite, in
value and in gradient, for every finite input whose true value and gradient the number format can hold.
"""

from functools import reduce

import torch
from torch import Tensor

from tapehead._shapes import (
    Followed,
    KeptSlots,
    Links,
    Memory,
    PerFollowed,
    PerReadHead,
    PerWriteHead,
    ReadModes,
    ReadWeightings,
    Slots,
    Weighting,
    WriteWeightings,
)
from tapehead.maths.addressing import sharpen

LINK_FLOOR = 1e-6
"""Added to a followed weighting before it is sharpened, so that links close to zero are not amplified."""

RESOLUTION = 65536
"""Before slots are sorted by a number in [0, 1], it is rounded to one part in this many.

Slots with the same history differ by rounding only, which depends on the batch and on the backend. They must count as
equal and be sorted by index: otherwise rounding would choose among them, and no result could be reproduced.
"""


def retention(read_weightings: ReadWeightings, free_gates: PerReadHead) -> Weighting:
    """Compute how much of each slot is retained, that is, not freed by the heads that have just read it.

    psi(i) = prod_r (1 - f_r w_{t-1,r}(i)).

    Args:
        read_weightings: w_{t-1}, (B, R, N).
        free_gates: f in [0, 1], (B, R).

    Returns:
        psi, (B, N), in [0, 1].
    """
    return reduce(torch.mul, (1 - free_gates.unsqueeze(-1) * read_weightings).unbind(-2))


def usage(previous: Weighting, write_weightings: WriteWeightings, retained: Weighting) -> Weighting:
    """Compute the usage of each slot: it rises where was written and falls where was freed.

    u_t = (u + w - u * w) * psi; several write heads add their w in turn, so that 1 - u_t = (1 - u) prod_h (1 - w_h)
    before freeing.

    Args:
        previous: u_{t-1}, (B, N).
        write_weightings: w_{t-1}, (B, H, N).
        retained: psi_t, (B, N).

    Returns:
        u_t, (B, N), in [0, 1].
    """
    used = previous
    for weighting in write_weightings.unbind(-2):
        used = used + (1 - used) * weighting
    return used * retained


def allocation(usage: Weighting) -> Weighting:
    """Allocate the least used slots for writing (equation 1).

    a[phi_j] = (1 - u[phi_j]) prod_{i<j} u[phi_i], where phi is `free_list`; the order gets no gradient.

    Args:
        usage: u, (B, N), in [0, 1].

    Returns:
        a, (B, N); its sum is 1 less the product of all usages.
    """
    order = free_list(usage)
    used = usage.gather(-1, order)
    allocated = (1 - used) * _exclusive_cumprod(used)
    return allocated.scatter(-1, order, allocated)


def free_list(usage: Weighting) -> Slots:
    """Sort the slots by usage, the least used first; equally used ones (to `RESOLUTION`) by index.

    Args:
        usage: u_t, (B, N).

    Returns:
        phi, the numbers of the slots, (B, N).
    """
    return _round_for_sorting(usage).argsort(dim=-1, stable=True)


def allocations(usage: Weighting, write_gates: PerWriteHead, allocation_gates: PerWriteHead) -> WriteWeightings:
    """Allocate slots for each write head in turn, counting as used what the heads before it are about to write to.

    u <- u + (1 - u) g^w g^a a from one head to the next.

    Args:
        usage: u_t, (B, N).
        write_gates: g^w in [0, 1], (B, H).
        allocation_gates: g^a in [0, 1], (B, H).

    Returns:
        a of every head, (B, H, N).
    """
    allocated = [allocation(usage)]
    for gate in (write_gates * allocation_gates).unbind(-1)[:-1]:
        usage = usage + (1 - usage) * gate.unsqueeze(-1) * allocated[-1]
        allocated.append(allocation(usage))
    return torch.stack(allocated, dim=-2)


def write_weightings(
    allocated: WriteWeightings, content: WriteWeightings, write_gates: PerWriteHead, allocation_gates: PerWriteHead
) -> WriteWeightings:
    """Choose between writing to allocated slots, to slots found by content, and not at all (equation 2).

    w = g^w (g^a a + (1 - g^a) c), and NaN where a is infinite.

    Args:
        allocated: a, (B, H, N).
        content: c^w, (B, H, N).
        write_gates: g^w in [0, 1], (B, H).
        allocation_gates: g^a in [0, 1], (B, H).

    Returns:
        w, (B, H, N); each weighting is >= 0 and sums to at most 1.
    """
    chosen = torch.lerp(content, allocated, allocation_gates.unsqueeze(-1)).add(allocated, alpha=0)
    return write_gates.unsqueeze(-1) * chosen


def deallocate(memory: Memory, retained: Weighting) -> Memory:
    """Erase freed slots, so that they are not found by content any more (Csordas & Schmidhuber 2019): M * psi 1^T.

    Args:
        memory: M, (B, N, W).
        retained: psi, (B, N).

    Returns:
        The memory, (B, N, W).
    """
    return memory * retained.unsqueeze(-1)


def precedence(previous: WriteWeightings, write_weightings: WriteWeightings) -> WriteWeightings:
    """Compute to what degree each slot is the one written to last: p_t = (1 - sum_i w(i)) p_{t-1} + w.

    Args:
        previous: p_{t-1}, (B, H, N).
        write_weightings: w_t, (B, H, N).

    Returns:
        p_t, (B, H, N); each sums to at most 1.
    """
    return (1 - write_weightings.sum(-1, keepdim=True)) * previous + write_weightings


def links(previous: Links, write_weightings: WriteWeightings, precedence: WriteWeightings) -> Links:
    """Link each slot written to with the slot written to before it, and drop its old links.

    L_t[i, j] = (1 - w(i) - w(j)) L_{t-1}[i, j] + w(i) p_{t-1}(j), and L_t[i, i] = 0. L[i, j] is the degree to which
    slot i was written to right after slot j. Each write head has links of its own.

    Args:
        previous: L_{t-1}, (B, H, N, N).
        write_weightings: w_t, (B, H, N).
        precedence: p_{t-1}, (B, H, N): from before this write.

    Returns:
        L_t, (B, H, N, N); each row and each column sums to at most 1.
    """
    to, of = write_weightings.unsqueeze(-1), write_weightings.unsqueeze(-2)
    updated = (1 - to - of) * previous + to * precedence.unsqueeze(-2)
    diagonal = torch.eye(updated.shape[-1], dtype=torch.bool, device=updated.device)
    return updated.masked_fill(diagonal, 0.0)


def keep_top_k(weighting: WriteWeightings, k: int) -> WriteWeightings:
    """Set all but the k largest weights to zero, so that a step makes few links ("Sparse link matrix").

    The paper also divides by the sum of what is left. That would make links where the write gate is closed, and columns
    of links that sum to more than 1; here the rest of the weight is dropped. The choice of slots gets no gradient.

    Args:
        weighting: w_t or p_{t-1}, (B, H, N), each >= 0.
        k: K, at least 1.

    Returns:
        The weighting, 0 in all but K slots.
    """
    kept = top_k(weighting, k)
    return torch.zeros_like(weighting).scatter(-1, kept, weighting.gather(-1, kept))


def top_k(weighting: WriteWeightings, k: int) -> KeptSlots:
    """Find the slots of the k largest weights; equal ones (to `RESOLUTION`) come by index.

    Args:
        weighting: (B, H, N).
        k: K, how many.

    Returns:
        The numbers of the slots, the one of the largest weight first, (B, H, K).
    """
    return _round_for_sorting(weighting).argsort(dim=-1, descending=True, stable=True)[..., :k]


def forward(links: Links, read_weightings: ReadWeightings) -> Followed:
    """Follow the links forward, from the slots last read to those written next: f = L w^r_{t-1}.

    Args:
        links: L_t, (B, H, N, N).
        read_weightings: w^r_{t-1}, (B, R, N).

    Returns:
        f for each pair of a read head and a write head, (B, R, H, N); each sums to at most 1.
    """
    return (read_weightings.unsqueeze(-3) @ links.transpose(-1, -2)).transpose(-2, -3)


def backward(links: Links, read_weightings: ReadWeightings) -> Followed:
    """Follow the links backward, from the slots last read to those written before: b = L^T w^r_{t-1}.

    Args:
        links: L_t, (B, H, N, N).
        read_weightings: w^r_{t-1}, (B, R, N).

    Returns:
        b for each pair of a read head and a write head, (B, R, H, N); each sums to at most 1.
    """
    return (read_weightings.unsqueeze(-3) @ links).transpose(-2, -3)


def sharpen_followed(followed: Followed, sharpness: PerFollowed) -> Followed:
    """Sharpen f or b, which blur with every link followed (Csordas & Schmidhuber 2019).

    S(d, s)(i) = (d(i) + 1e-6)^s / sum_j (d(j) + 1e-6)^s, as in their published code.

    Args:
        followed: f or b, (B, R, H, N), each >= 0.
        sharpness: s >= 1, (B, R, H).

    Returns:
        The sharpened f or b, (B, R, H, N); each sums to 1.
    """
    return sharpen(followed + LINK_FLOOR, sharpness)


def read_weightings(backward: Followed, content: ReadWeightings, forward: Followed, modes: ReadModes) -> ReadWeightings:
    """Choose between reading backward along the links, by content, and forward: w^r = pi_1 b + pi_2 c^r + pi_3 f.

    Args:
        backward: b, (B, R, H, N).
        content: c^r, (B, R, N).
        forward: f, (B, R, H, N).
        modes: pi, (B, R, 2 H + 1), each summing to 1: for b of each write head, for c^r, for f of each write head.

    Returns:
        w^r, (B, R, N); each sums to at most 1.
    """
    by_mode = torch.cat([backward, content.unsqueeze(-2), forward], dim=-2)
    return (modes.unsqueeze(-2) @ by_mode).squeeze(-2)


def _round_for_sorting(values: Tensor) -> Tensor:
    """Round numbers from 0 to 1 to `RESOLUTION`; no gradient goes through it."""
    return (values.detach() * RESOLUTION).round()


def _exclusive_cumprod(values: Tensor) -> Tensor:
    """Take for each entry of the last axis the product of all entries before it; 1 for the first.

    Computed by doubling: unlike that of `torch.cumprod`, the gradient never divides by an entry, which may be 0.
    """
    products = torch.cat([torch.ones_like(values[..., :1]), values[..., :-1]], dim=-1)
    covered = 1
    while covered < products.shape[-1]:
        products = torch.cat([products[..., :covered], products[..., covered:] * products[..., :-covered]], dim=-1)
        covered *= 2
    return products
