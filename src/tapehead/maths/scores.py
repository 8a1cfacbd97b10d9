"""The two metrics, never mixed: wrong bits, and bits of information."""

import math

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tapehead._shapes import Logits, PerSequence, Scored, Targets


def bit_errors(logits: Logits, targets: Targets, scored: Scored) -> PerSequence:
    """Count the wrong bits of each sequence after thresholding at probability 0.5 (Collier & Beel 2018).

    Args:
        logits: The model's outputs, (T, B, O).
        targets: What was due, 0 or 1, (T, B, O).
        scored: The steps that count, (T, B).

    Returns:
        Wrong bits per sequence, (B,).
    """
    wrong = (logits > 0) != (targets > 0.5)
    return (wrong & scored.unsqueeze(-1)).sum(dim=(0, 2)).to(logits.dtype)


def bits(logits: Logits, targets: Targets, scored: Scored) -> PerSequence:
    """Add up each sequence's cross-entropy in bits, over its scored steps (Graves et al. 2014).

    Args:
        logits: The model's outputs, (T, B, O).
        targets: What was due, 0 or 1, (T, B, O).
        scored: The steps that count, (T, B).

    Returns:
        Bits per sequence, (B,).
    """
    nats = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return torch.where(scored.unsqueeze(-1), nats, 0.0).sum(dim=(0, 2)) / math.log(2)
