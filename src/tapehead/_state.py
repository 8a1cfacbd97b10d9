"""Operations on the state of any recurrent cell: a NamedTuple of tensors."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.utils import _pytree

from tapehead._shapes import Running

State = TypeVar("State", bound=tuple[Tensor, ...])
"""A NamedTuple of tensors, each with the batch axis first."""

StateType = TypeVar("StateType", bound=type)


def name_in_exports(state_type: StateType) -> StateType:
    """Give a type of state the name under which torch.export.save writes it, and torch.export.load finds it again."""
    _pytree._register_namedtuple(state_type, serialized_type_name=f"tapehead.{state_type.__name__}")
    return state_type


def map_state(function: Callable[[Tensor], Tensor], state: State) -> State:
    """Apply a function to every tensor of a state, for instance `torch.Tensor.detach`.

    Args:
        function: Takes a tensor and returns a tensor.
        state: A NamedTuple of tensors.

    Returns:
        A NamedTuple of the same type.
    """
    return _rebuild(state, [function(tensor) for tensor in state])


def detach(state: State) -> State:
    """Cut a state off from the gradients of what came before, for truncated backpropagation through time.

    Args:
        state: A NamedTuple of tensors.

    Returns:
        A NamedTuple of the same type, of the same numbers.
    """
    return map_state(Tensor.detach, state)


def clone_state(state: State) -> State:
    """Copy every tensor of a state into contiguous memory of its own."""
    return map_state(lambda tensor: tensor.clone(memory_format=torch.contiguous_format), state)


def hold_finished(running: Running, after: State, before: State) -> State:
    """Take the state after a step for the sequences that are still running, and the state before it for the others."""
    tensors = [
        torch.where(running.view(-1, *[1] * (old.dim() - 1)), new, old) for new, old in zip(after, before, strict=True)
    ]
    return _rebuild(after, tensors)


def stack_states(states: Sequence[State], like: State) -> State:
    """Stack successive states along a new time axis in front; of no states, it has length 0."""
    if not states:
        return map_state(lambda tensor: tensor.new_empty(0, *tensor.shape), like)
    return _rebuild(like, [torch.stack(tensors) for tensors in zip(*states, strict=True)])


def _rebuild(state: State, tensors: Iterable[Tensor]) -> State:
    return cast(State, type(cast(Any, state))(*tensors))
