"""How a head of the Neural Turing Machine computes its weighting: its attention weights over the memory slots.

Graves, Wayne, Danihelka 2014 (arXiv 1410.5401), section 3.3: by content, then interpolated with the previous
weighting, shifted along the slots, and sharpened. The value and the gradient of every function here are finite for
every finite input for which the exact ones fit the dtype.

The letters of the shapes are those of _shapes.py; S is the number of shift offsets, 2 * shift_range + 1.
"""

import torch
from torch import Tensor

from tapehead._shapes import Keys, Memory, PerHead, Shifts, Weightings

NORM_FLOOR = 1e-8
"""Norms of slots and keys are clamped to at least this, so that a slot of zeros has cosine similarity 0."""


def content(memory: Memory, key: Keys, strength: PerHead) -> Weightings:
    """Weight each slot by its cosine similarity to the key (equations 5 and 6).

    w^c(i) = softmax_i(beta * cos(k, M(i))), with cos(u, v) = u.v / (max(|u|, 1e-8) * max(|v|, 1e-8)).

    Args:
        memory: M, (B, N, W).
        key: k, (B, heads, W).
        strength: beta >= 0, (B, heads).

    Returns:
        w^c, (B, heads, N); each weighting is >= 0 and sums to 1.
    """
    cosine = _normalize(key) @ _normalize(memory).transpose(-1, -2)
    return _softmax_of_product(strength, cosine)


def masked_content(memory: Memory, key: Keys, strength: PerHead, mask: Keys) -> Weightings:
    """Weight each slot by its cosine similarity to the key, with the columns of both scaled by a mask.

    w^c(i) = softmax_i(beta * cos(k * m, M(i) * m)) (Csordas & Schmidhuber 2019), with cos as in `content`. It is
    computed without a masked copy of the memory for each head.

    Args:
        memory: M, (B, N, W).
        key: k, (B, heads, W).
        strength: beta >= 0, (B, heads).
        mask: m in [0.1, 1], (B, heads, W); a mask of 0 everywhere would leave nothing to compare.

    Returns:
        w^c, (B, heads, N); each weighting is >= 0 and sums to 1.
    """
    row_scale, key_scale = _max_magnitude(memory).transpose(-1, -2), _max_magnitude(key)
    rows, key, squared_mask = memory.transpose(-1, -2) / row_scale, key / key_scale, mask * mask
    row_squares, key_square = squared_mask @ (rows * rows), (squared_mask * key * key).sum(-1, keepdim=True)
    unit_key = key * key_square.clamp(min=(NORM_FLOOR / key_scale) ** 2).rsqrt()
    inverse_norms = row_squares.clamp(min=(NORM_FLOOR / row_scale) ** 2).rsqrt()
    return _softmax_of_product(strength, (squared_mask * unit_key) @ rows * inverse_norms)


def interpolate(content_weighting: Weightings, previous: Weightings, gate: PerHead) -> Weightings:
    """Interpolate between the content weighting and the head's previous weighting (equation 7).

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
    """Shift a weighting along the slots, by circular convolution (equation 8).

    w~(i) = sum_o s(o) w^g(i - o mod N), o = -shift_range .. shift_range.

    Args:
        weighting: w^g, (B, heads, N).
        shifts: s, the weights of the offsets from -shift_range to +shift_range, (B, heads, S) with S odd and S <= N.

    Returns:
        w~, (B, heads, N).
    """
    offsets = shifts.shape[-1]
    shift_range = offsets // 2
    if shift_range == 0:
        return weighting * shifts
    slots = weighting.shape[-1]
    wrapped = torch.cat([weighting[..., slots - shift_range :], weighting, weighting[..., :shift_range]], dim=-1)
    windows = wrapped.unfold(-1, offsets, 1)
    return (windows @ shifts.flip(-1).unsqueeze(-1)).squeeze(-1)


def sharpen(weighting: Weightings, sharpening: PerHead) -> Weightings:
    """Undo the blur of shifting by raising a weighting to a power (equation 9).

    w(i) = w~(i)^gamma / sum_j w~(j)^gamma, computed as softmax_i(gamma * log w~(i)), so that no power under- or
    overflows; weights below the dtype's smallest normal number are clamped to it. If one is infinite, all of w is NaN.

    Args:
        weighting: w~ >= 0, (B, heads, N).
        sharpening: gamma >= 1, (B, heads).

    Returns:
        w, (B, heads, N); each weighting is >= 0 and sums to 1.
    """
    tiny = torch.finfo(weighting.dtype).tiny
    logarithm = weighting.clamp(min=tiny).log().add(weighting, alpha=0)  # NaN where the weight is infinite
    return _softmax_of_product(sharpening, logarithm)


def _normalize(rows: Tensor) -> Tensor:
    """Divide each row by its norm, or by NORM_FLOOR where that is larger.

    A row is first divided by its largest magnitude, so that no square over- or underflows, in value or gradient. The
    result does not depend on that divisor, so it is detached.
    """
    scale = _max_magnitude(rows)
    rows = rows / scale
    square = (rows * rows).sum(-1, keepdim=True)
    return rows * square.clamp(min=(NORM_FLOOR / scale) ** 2).rsqrt()


def _max_magnitude(rows: Tensor) -> Tensor:
    """Return each row's largest absolute value, or NORM_FLOOR where that is larger; detached from autograd."""
    return rows.detach().abs().amax(-1, keepdim=True).clamp(min=NORM_FLOOR)


def _softmax_of_product(factor: PerHead, scores: Weightings) -> Weightings:
    """Compute softmax_i(factor * scores_i), the largest score subtracted first so that no factor can overflow it."""
    return torch.softmax(factor.unsqueeze(-1) * (scores - scores.detach().amax(-1, keepdim=True)), dim=-1)
