"""Errors and cross-entropies of a model's outputs, per sequence: for targets that are bits, and for symbols.

Every function takes a mask, which says on which time steps the output counts.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tapehead._shapes import Logits, Mask, PerSequence, SymbolLogits, Symbols, Targets


def bit_errors(logits: Logits, targets: Targets, mask: Mask) -> PerSequence:
    """Count the wrong bits of each sequence after thresholding at probability 0.5 (Collier & Beel 2018).

    Args:
        logits: The model's outputs, (T, B, O).
        targets: The right bits, 0 or 1, (T, B, O).
        mask: The time steps that count, (T, B).

    Returns:
        Wrong bits per sequence, (B,).
    """
    wrong = (logits > 0) != (targets > 0.5)
    return (wrong & mask.unsqueeze(-1)).sum(dim=(0, 2)).to(logits.dtype)


def bits(logits: Logits, targets: Targets, mask: Mask) -> PerSequence:
    """Sum the binary cross-entropy of each sequence over its masked steps, in bits (Graves et al. 2014).

    Args:
        logits: The model's outputs, (T, B, O).
        targets: The right bits, 0 or 1, (T, B, O).
        mask: The time steps that count, (T, B).

    Returns:
        Bits per sequence, (B,).
    """
    nats = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return torch.where(mask.unsqueeze(-1), nats, 0.0).sum(dim=(0, 2)) / math.log(2)


def bits_gradient(logits: Logits, targets: Targets, mask: Mask, gradient: Tensor) -> Logits:
    """Compute the gradient of a loss with respect to the logits in closed form; the same as autograd's through `bits`.

    Args:
        logits: The model's outputs, (T, B, O).
        targets: The right bits, 0 or 1, (T, B, O).
        mask: The time steps that count, (T, B).
        gradient: The gradient of the loss with respect to the bits of a sequence, the same for all, ().

    Returns:
        The gradient, (T, B, O); 0 outside the mask.
    """
    of_a_nat = torch.where(mask.unsqueeze(-1), gradient / math.log(2), 0.0)
    return (torch.sigmoid(logits) - targets) * of_a_nat


def symbol_errors(logits: SymbolLogits, targets: Symbols, mask: Mask) -> PerSequence:
    """Count the wrong symbols of each sequence; the prediction is the symbol of the largest logit, of equals the first.

    Args:
        logits: The model's outputs, (T, B, V).
        targets: The right symbols, 0..V-1, (T, B); any number outside the mask.
        mask: The time steps that count, (T, B).

    Returns:
        Wrong symbols per sequence, (B,).
    """
    return ((logits.argmax(dim=-1) != targets) & mask).sum(dim=0).to(logits.dtype)


def symbol_bits(logits: SymbolLogits, targets: Symbols, mask: Mask) -> PerSequence:
    """Sum the cross-entropy of each sequence over its masked steps, in bits: -sum_t log2 softmax(logits_t)[target_t].

    Args:
        logits: The model's outputs, (T, B, V).
        targets: The right symbols, 0..V-1, (T, B); any number outside the mask.
        mask: The time steps that count, (T, B).

    Returns:
        Bits per sequence, (B,).
    """
    symbols = torch.where(mask, targets, 0).unsqueeze(-1)
    nats = -torch.log_softmax(logits, dim=-1).gather(-1, symbols).squeeze(-1)
    return torch.where(mask, nats, 0.0).sum(dim=0) / math.log(2)


def symbol_bits_gradient(logits: SymbolLogits, targets: Symbols, mask: Mask, gradient: Tensor) -> SymbolLogits:
    """Compute the gradient of a loss with respect to the logits in closed form: softmax minus one-hot, within the mask.

    Args:
        logits: The model's outputs, (T, B, V).
        targets: The right symbols, 0..V-1, (T, B); any number outside the mask.
        mask: The time steps that count, (T, B).
        gradient: The gradient of the loss with respect to the bits of a sequence, the same for all, ().

    Returns:
        The gradient, (T, B, V); 0 outside the mask.
    """
    symbols = torch.where(mask, targets, 0).unsqueeze(-1)
    one_hot = torch.zeros_like(logits).scatter(-1, symbols, 1.0)
    of_a_nat = (torch.softmax(logits, dim=-1) - one_hot) * (gradient / math.log(2))
    return torch.where(mask.unsqueeze(-1), of_a_nat, 0.0)
