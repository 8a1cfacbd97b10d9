"""How a head of the Neural Turing Machine arrives at its weighting over the memory's slots.

Graves, Wayne, Danihelka 2014 (arXiv 1410.5401), section 3.3: by content, then interpolated with the last weighting,
shifted along the tape, and sharpened. Every function here is finite, in value and in gradient, for every finite input
whose true value and gradient the number format can hold.
"""

import torch
from torch import Tensor

from tapehead._shapes import Keys, Memory, PerHead, Shifts, Weightings

NORM_FLOOR = 1e-8
"""Rows and keys shorter than this are measured as if they had this length, so that a zero row has cosine 0."""


def content(memory: Memory, key: Keys, strength: PerHead) -> Weightings:
    """Weigh each slot by how much it looks like the key (equations 5 and 6).

    w^c(i) = softmax_i(beta * cos(k, M(i))), with cos(u, v) = u.v / (max(|u|, 1e-8) * max(|v|, 1e-8)).

    Args:
        memory: M, (B, N, W).
        key: k, (B, heads, W).
        strength: beta >= 0, (B, heads).

    Returns:
        w^c, (B, heads, N); each weighting is >= 0 and sums to 1.
    """
    cosine = _direction(key) @ _direction(memory).transpose(-1, -2)
    return _softmax_of_product(strength, cosine)


def masked_content(memory: Memory, key: Keys, strength: PerHead, mask: Keys) -> Weightings:
    """Weigh each slot by how much it looks like the key in those columns that the mask lets through.

    w^c(i) = softmax_i(beta * cos(k * m, M(i) * m)) (Csordas & Schmidhuber 2019), with `content`'s cosine. No masked
    copy of the memory is made for each head.

    Args:
        memory: M, (B, N, W).
        key: k, (B, heads, W).
        strength: beta >= 0, (B, heads).
        mask: m in [0.1, 1], (B, heads, W); one that went to 0 could leave nothing to compare.

    Returns:
        w^c, (B, heads, N); each weighting is >= 0 and sums to 1.
    """
    largest_of_row, largest_of_key = _largest(memory).transpose(-1, -2), _largest(key)
    rows, key, shown = memory.transpose(-1, -2) / largest_of_row, key / largest_of_key, mask * mask
    squares_of_row, square_of_key = shown @ (rows * rows), (shown * key * key).sum(-1, keepdim=True)
    directed_key = key * square_of_key.clamp(min=(NORM_FLOOR / largest_of_key) ** 2).rsqrt()
    inverse_lengths = squares_of_row.clamp(min=(NORM_FLOOR / largest_of_row) ** 2).rsqrt()
    return _softmax_of_product(strength, (shown * directed_key) @ rows * inverse_lengths)


def interpolate(content_weighting: Weightings, previous: Weightings, gate: PerHead) -> Weightings:
    """Choose between the content weighting and the head's last weighting (equation 7).

    w^g = g w^c + (1 - g) w_{t-1}.

    Args:
        content_weighting: w^c, (B, heads, N).
        previous: w_{t-1}, (B, heads, N).
        gate: g in [0, 1], (B, heads).

    Returns:
        w^g, (B, heads, N).
    """
    return torch.lerp(previous, content_weighting, gate.unsqueeze(-1))


def shift(weighting: Weightings, shifts: Shifts) -> Weightings:
    """Move a weighting along the circular tape (equation 8).

    w~(i) = sum_o s(o) w^g(i - o mod N), o = -shift_range .. shift_range.

    Args:
        weighting: w^g, (B, heads, N).
        shifts: s, (B, heads, S) with S odd and S <= N; the first is the offset -shift_range, the last +shift_range.

    Returns:
        w~, (B, heads, N).
    """
    offsets = shifts.shape[-1]
    reach = offsets // 2
    if reach == 0:
        return weighting * shifts
    slots = weighting.shape[-1]
    around = torch.cat([weighting[..., slots - reach :], weighting, weighting[..., :reach]], dim=-1)
    windows = around.unfold(-1, offsets, 1)
    return (windows @ shifts.flip(-1).unsqueeze(-1)).squeeze(-1)


def sharpen(weighting: Weightings, sharpening: PerHead) -> Weightings:
    """Give back to a weighting the focus that shifting blurred (equation 9).

    w(i) = w~(i)^gamma / sum_j w~(j)^gamma, taken as softmax_i(gamma * log w~(i)), so that no power under- or overflows;
    a slot of weight zero counts as the smallest normal number.

    Args:
        weighting: w~ >= 0, (B, heads, N).
        sharpening: gamma >= 1, (B, heads).

    Returns:
        w, (B, heads, N); each weighting is >= 0 and sums to 1.
    """
    smallest = torch.finfo(weighting.dtype).tiny
    return _softmax_of_product(sharpening, weighting.clamp(min=smallest).log())


def _direction(rows: Tensor) -> Tensor:
    """Divide each row by its length, or by NORM_FLOOR where it is shorter.

    A row is first divided by its largest entry, so that no square over- or underflows, in value or gradient. The
    direction does not depend on that factor, hence no gradient is taken through it.
    """
    largest = _largest(rows)
    rows = rows / largest
    square = (rows * rows).sum(-1, keepdim=True)
    return rows * square.clamp(min=(NORM_FLOOR / largest) ** 2).rsqrt()


def _largest(rows: Tensor) -> Tensor:
    """Each row's largest entry, or NORM_FLOOR where that is larger; no gradient goes through it."""
    return rows.detach().abs().amax(-1, keepdim=True).clamp(min=NORM_FLOOR)


def _softmax_of_product(factor: PerHead, scores: Weightings) -> Weightings:
    """softmax_i(factor * scores_i), with the largest score taken off first: no factor can make it overflow."""
    return torch.softmax(factor.unsqueeze(-1) * (scores - scores.detach().amax(-1, keepdim=True)), dim=-1)
