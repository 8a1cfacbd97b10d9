"""How weights follow gradients: the optimizers, the learning rate's schedule, and the clipping of gradients."""

import math
from collections.abc import Callable
from inspect import signature
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "sgd": SGD}
"""torch's own. Where Graves 2013 (arXiv 1308.0850) adds RMSprop's epsilon under the root, torch adds it to the root."""

LRSchedule: TypeAlias = Literal["constant", "cosine"]

SCHEDULES: dict[LRSchedule, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
}
"""The factor on the learning rate, given how much of the way from the warm-up's end to the last step is done."""


def make_optimizer(factory: Callable[..., Optimizer], weights: nn.Parameter, options: dict[str, Any]) -> Optimizer:
    """Make an optimizer of all weights, which are one tensor, in the faster of torch's implementations.

    Raises:
        ValueError: An option is out of its range.
    """
    known = signature(factory).parameters
    faster = {"fused": True} if factory in {Adam, AdamW} else {"foreach": True} if "foreach" in known else {}
    try:
        return factory([weights], **options, **faster)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"optimizer: expected options that {factory.__name__} accepts: {problem}") from problem


def learning_rate(step: int, peak: float, warmup_steps: int, steps: int, schedule: LRSchedule) -> float:
    """Give the learning rate of a training step: a linear warm-up, then what `schedule` says.

    Args:
        step: Its number; the first is 1.
        peak: The rate at the end of the warm-up.
        warmup_steps: Training steps until the peak.
        steps: All training steps of the run; a decaying rate would be 0 after the last.
        schedule: A key of SCHEDULES.
    """
    if step <= warmup_steps:
        return peak * step / warmup_steps
    return peak * SCHEDULES[schedule]((step - 1 - warmup_steps) / (steps - warmup_steps))


def clip_gradient(gradient: Tensor, max_norm: float | None, max_value: float | None) -> float:
    """Clip the gradient of all weights, one axis, in place.

    Args:
        gradient: The gradient; it is changed.
        max_norm: Scale it so that its norm is at most this; None: do not.
        max_value: Limit each number to +-this; None: do not.

    Returns:
        The norm before clipping.
    """
    norm = float(torch.linalg.vector_norm(gradient, dtype=torch.float64))  # squares of what fits float32 may not
    if max_norm is not None and not norm <= max_norm:
        gradient.mul_(max_norm / (norm + 1e-6))
    elif max_value is not None:
        gradient.clamp_(-max_value, max_value)
    return norm
