"""Layers whose weights a scan uses without calling them: how they are initialized, and what may be done to them."""

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod


@torch.no_grad()
def reset_linear(layer: nn.Linear) -> None:
    """Initialize a linear layer as Collier & Beel 2018: normal, std 1/sqrt(fan_in), truncated at 2 std; biases 0."""
    std = 1 / math.sqrt(layer.in_features)
    nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
    layer.bias.zero_()


def linear_weights(name: str, layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Take the weight and the bias of a linear layer, for code that computes with them without calling the layer.

    Args:
        name: What the layer is called in messages.
        layer: A torch.nn.Linear, which may be parametrized or pruned.

    Raises:
        TypeError: It is something else, whose own forward would be ignored, or it has no bias.
        RuntimeError: It has hooks, which would never run.
    """
    if not isinstance(layer, nn.Linear) or type(layer).forward is not nn.Linear.forward:
        expected = "expected a torch.nn.Linear, since its weight and bias are used without calling it"
        raise TypeError(f"{name}: {expected}, not {type(layer).__name__}")
    update_hooked(name, layer)
    if layer.bias is None:
        raise TypeError(f"{name}: expected a torch.nn.Linear with a bias, not one without")
    return layer.weight, layer.bias


def update_hooked(name: str, module: nn.Module) -> None:
    """Compute the weights of a pruned module again, as calling it would; refuse hooks, which never run.

    Args:
        name: What the module is called in messages.
        module: A module that is not called.

    Raises:
        RuntimeError: It has hooks other than those of torch.nn.utils.prune.
    """
    before = module._forward_pre_hooks
    if not (before or module._forward_hooks or module._backward_hooks or module._backward_pre_hooks):
        return
    for hook in before.values():
        if isinstance(hook, BasePruningMethod):
            hook(module, ())
    prunes = all(isinstance(hook, BasePruningMethod) for hook in before.values())
    if not prunes or module._forward_hooks or module._backward_hooks or module._backward_pre_hooks:
        raise RuntimeError(
            f"{name}: expected no hooks on this submodule, which is never called, since a sequence is one call for all "
            "of the model; register them on the model, or read the states of model.trace"
        )
