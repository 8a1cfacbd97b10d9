"""How weights follow gradients: the optimizers, the learning rate's schedule, and the clipping of gradients."""

import math
from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from tapehead._arguments import check_choice, check_number


class StableAdam(Optimizer):
    """Adam whose updates are bounded: a gradient that is large for what came before moves the weights no further.

    The learning rate is divided by max(1, r), where r is the root mean square of g / sqrt(v) over all parameters of a
    group: about 1 as long as gradients are as large as Adam's second moments say, and large when a spike comes (the
    update clipping of AdamW in Wortsman et al. 2023, arXiv 2304.13013, algorithm 2, which has an r for each parameter;
    after Adafactor, arXiv 1804.04235).

    Args:
        params: As for torch's optimizers.
        lr: The learning rate.
        betas: The decay rates of the first and second moments, as for torch.optim.Adam.
        eps: Added to the root of the second moment, as for torch.optim.Adam.

    Raises:
        ValueError: A value is out of range.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        check_number("lr", lr, 0)
        check_number("eps", eps, above=0)
        for number, beta in enumerate(betas):
            if not 0 <= beta < 1:
                raise ValueError(f"betas[{number}]: expected a number from 0 to below 1, not {beta}")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change the parameters by their gradients.

        Args:
            closure: Not supported.
        """
        if closure is not None:
            raise ValueError("closure: expected None")
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self._update(parameters, group)

    def _update(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        total = sum(parameter.numel() for parameter in parameters)
        roots, squares = list[Tensor](), list[Tensor]()
        for parameter in parameters:
            assert parameter.grad is not None
            root = self._follow(parameter, parameter.grad, group)
            ratios = parameter.grad / root.clamp(min=group["eps"])
            roots.append(root)
            squares.append(ratios.square_().mean() * (parameter.numel() / total))
        rate = group["lr"] / max(1.0, float(torch.stack(squares).sum().sqrt_()))
        for parameter, root in zip(parameters, roots, strict=True):
            state = self.state[parameter]
            correction = 1 - group["betas"][0] ** float(state["step"])
            parameter.addcdiv_(state["exp_avg"], root.add_(group["eps"]), value=-rate / correction)

    def _follow(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        """Bring the moments of a parameter up to date, and return the root of the second."""
        state, (beta1, beta2) = self.state[parameter], group["betas"]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        first, second = state["exp_avg"], state["exp_avg_sq"]
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root: Tensor = (second / (1 - beta2 ** float(state["step"]))).sqrt_()
        return root


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "stable_adam": StableAdam,
    "rmsprop": RMSprop,
    "sgd": SGD,
}
"""torch's, and StableAdam. Graves 2013 (arXiv 1308.0850) adds RMSprop's epsilon under the root, torch adds it after."""

LRSchedule: TypeAlias = Literal["constant", "cosine"]
"""What the learning rate does after the warm-up."""

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
        steps: All training steps of the run; a decaying rate is 0 after the last.
        schedule: A key of SCHEDULES: `constant` or `cosine`.

    Raises:
        ValueError: There is no such schedule.
    """
    check_choice("schedule", schedule, SCHEDULES)
    if step <= warmup_steps:
        return peak * step / warmup_steps
    return peak * SCHEDULES[schedule](1.0 if step > steps else (step - 1 - warmup_steps) / (steps - warmup_steps))


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
