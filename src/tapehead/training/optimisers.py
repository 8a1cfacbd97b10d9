"""How weights follow gradients: the optimisers, the learning rate's course, and the clipping of gradients."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_value_, clip_grads_with_norm_
from torch.optim import Adam, Optimizer, RMSprop


def adam(
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Optimizer:
    """Kingma & Ba 2015 (arXiv 1412.6980); `epsilon` is added to the root of the mean square."""
    return Adam(parameters, learning_rate, betas=(beta1, beta2), eps=epsilon, fused=True)


def rmsprop(
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    *,
    momentum: float = 0.0,
    alpha: float = 0.99,
    epsilon: float = 1e-8,
    centered: bool = False,
) -> Optimizer:
    """Tieleman & Hinton 2012; centered and with momentum it is that of Graves 2013 (arXiv 1308.0850, equation 38 on).

    torch adds `epsilon` to the root, Graves to the number under it.
    """
    return RMSprop(
        parameters, learning_rate, alpha=alpha, eps=epsilon, momentum=momentum, centered=centered, foreach=True
    )


OPTIMISERS: dict[str, Callable[..., Optimizer]] = {"adam": adam, "rmsprop": rmsprop}

DECAYS: dict[str, Callable[[float], float]] = {
    "none": lambda done: 1.0,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
}
"""The factor on the learning rate, given how much of the way from the warm-up's end to the last update is done."""

GRADIENT_CLIPS = ("norm", "value", "none")


def learning_rate(update: int, peak: float, warmup_updates: int, updates: int, decay: str) -> float:
    """Say the learning rate of an update: up in a straight line for the warm-up, then down as `decay` says.

    Args:
        update: Its number; the first is 1.
        peak: The rate at the end of the warm-up.
        warmup_updates: Updates until the peak.
        updates: All updates of the run; a decaying rate would be 0 after the last.
        decay: A key of DECAYS.
    """
    if update <= warmup_updates:
        return peak * update / warmup_updates
    return peak * DECAYS[decay]((update - 1 - warmup_updates) / (updates - warmup_updates))


def clip_gradients(parameters: list[nn.Parameter], how: str, bound: float | None) -> Tensor:
    """Shorten gradients that are too long.

    Args:
        parameters: Those whose gradients are meant; at least one has a gradient.
        how: `norm`: scale all together so that their joint norm is at most `bound`; `value`: cut off each number at
            +-bound; `none`: leave them.
        bound: The bound.

    Returns:
        The joint norm before clipping.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    # in double: the squares of what still fits into float32 do not
    norms = [torch.linalg.vector_norm(gradient, dtype=torch.float64) for gradient in gradients]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
    if how == "norm" and bound is not None and not norm <= bound:
        clip_grads_with_norm_(parameters, bound, norm, foreach=True)
    elif how == "value" and bound is not None:
        clip_grad_value_(parameters, bound, foreach=True)
    return norm
