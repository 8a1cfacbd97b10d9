"""The two metrics, never mixed: wrong bits, and bits of information."""

import math

import torch
from torch import Tensor
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


def bits_gradient(logits: Logits, targets: Targets, scored: Scored, gradient: Tensor) -> Logits:
    """Say how a loss changes with the logits: what autograd makes of `bits`, by hand.

    Args:
        logits: The model's outputs, (T, B, O).
        targets: What was due, 0 or 1, (T, B, O).
        scored: The steps that count, (T, B).
        gradient: How the loss changes with the bits of a sequence, the same for all, ().

    Returns:
        The gradient, (T, B, O); 0 where a step is not scored.
    """
    of_a_nat = torch.where(scored.unsqueeze(-1), gradient / math.log(2), 0.0)
    return (torch.sigmoid(logits) - targets) * of_a_nat
