"""How weights follow gradients: the optimisers, the learning rate's course, and the clipping of gradients."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, RMSprop


def adam(
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    amsgrad: bool = False,
) -> Optimizer:
    """Kingma & Ba 2015 (arXiv 1412.6980); `epsilon` is added to the root of the mean square.

    With `amsgrad` the largest mean square so far takes the place of the present one (Reddi et al. 2018, arXiv
    1904.09237, algorithm 2, and Adam's correction of it after that): steps stay short when a sudden gradient follows a
    long calm.
    """
    return Adam(parameters, learning_rate, betas=(beta1, beta2), eps=epsilon, amsgrad=amsgrad, fused=True)


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


def clip_gradient(gradient: Tensor, how: str, bound: float) -> float:
    """Shorten a gradient that is too long.

    Args:
        gradient: The gradient of all weights, one axis; it is changed in place.
        how: `norm`: scale it so that its norm is at most `bound`; `value`: cut off each number at +-bound; `none`:
            leave it.
        bound: The bound; without meaning where there is none.

    Returns:
        The norm before clipping.
    """
    norm = float(torch.linalg.vector_norm(gradient, dtype=torch.float64))  # squares of what fits float32 may not
    if how == "norm" and not norm <= bound:
        gradient.mul_(bound / (norm + 1e-6))
    elif how == "value":
        gradient.clamp_(-bound, bound)
    return norm
