"""What can be done with any machine's state, whatever tensors it is made of."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from tapehead._shapes import Running

State = TypeVar("State", bound=tuple[Tensor, ...])
"""A NamedTuple of tensors, each with the batch axis first."""


def map_state(function: Callable[[Tensor], Tensor], state: State) -> State:
    """Apply a function to every tensor of a state, for instance `torch.Tensor.detach`.

    Args:
        function: From a tensor to a tensor.
        state: A NamedTuple of tensors.

    Returns:
        A NamedTuple of the same type.
    """
    return _of_the_same_type(state, [function(tensor) for tensor in state])


def copied(state: State) -> State:
    """Copy a state into memory of its own, every sequence's apart from the others'."""
    return map_state(lambda tensor: tensor.clone(memory_format=torch.contiguous_format), state)


def hold_finished(running: Running, after: State, before: State) -> State:
    """Let a step count only for the sequences that are still running; the others keep the state they had."""
    held = [
        torch.where(running.view(-1, *[1] * (old.dim() - 1)), new, old) for new, old in zip(after, before, strict=True)
    ]
    return _of_the_same_type(after, held)


def stack_states(states: Sequence[State], like: State) -> State:
    """Put a time axis in front of the tensors of successive states; of no states, make tensors of no steps."""
    if not states:
        return map_state(lambda tensor: tensor.new_empty(0, *tensor.shape), like)
    return _of_the_same_type(like, [torch.stack(tensors) for tensors in zip(*states, strict=True)])


def _of_the_same_type(state: State, tensors: Iterable[Tensor]) -> State:
    return cast(State, type(cast(Any, state))(*tensors))
