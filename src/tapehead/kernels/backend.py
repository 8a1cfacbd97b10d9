"""The choice of a backend to run a recurrence: the one requested by name, or the fastest that supports the problem."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead._state import State

Weights = TypeVar("Weights")
Options = TypeVar("Options")

Derivative: TypeAlias = Literal["none", "backward", "forward", "torch.func"]
"""How a result is differentiated: not at all, by `backward()`, in forward mode, or by a transform of torch.func."""


class UnsupportedError(ValueError):
    """The requested backend, or with "auto" every backend, cannot run the problem; the message says why."""


class Sizes(NamedTuple):
    """The sizes of a problem; one that is not known has its smallest possible value."""

    time_steps: int = 1
    sequences: int = 1
    input_size: int = 1
    output_size: int = 1
    memory_slots: int = 1
    memory_width: int = 1
    read_heads: int = 1
    write_heads: int = 1
    hidden_size: int = 1
    num_layers: int = 1  # of an LSTM; 0 is the feedforward controller


SMALLEST = Sizes()


def sizes_of(
    inputs: Tensor,
    memory: Tensor,
    read_weightings: Tensor,
    write_weightings: Tensor,
    hidden: Tensor,
    output_bias: Tensor,
) -> Sizes:
    """Read the sizes from the shapes of the tensors."""
    time_steps, sequences, input_size = inputs.shape
    _, slots, width = memory.shape
    _, layers, units = hidden.shape
    reads, writes = read_weightings.shape[1], write_weightings.shape[1]
    return Sizes(time_steps, sequences, input_size, output_bias.shape[0], slots, width, reads, writes, units, layers)


@dataclass(frozen=True)
class Problem(Generic[Options]):
    """Everything that decides whether a backend can run a recurrence.

    Attributes:
        device: The device of the tensors.
        dtype: The dtype of the inputs.
        sizes: The sizes of the tensors.
        options: The model's options; None: not known, or any.
        derivative: How the result will be differentiated.
    """

    device: torch.device
    dtype: torch.dtype
    sizes: Sizes = SMALLEST
    options: Options | None = None
    derivative: Derivative = "backward"


def problem_of(inputs: Inputs, state: Any, weights: Any, options: Options) -> Problem[Options]:
    """Describe a scan; the state and the weights are those of any model with a memory."""
    sizes = sizes_of(
        inputs, state.memory, state.read_weightings, state.write_weightings, state.hidden, weights.output_bias
    )
    tensors = chain(weights[1:], state, (inputs,), chain.from_iterable(weights.controller))
    return Problem(inputs.device, inputs.dtype, sizes, options, derivative_of(tensors))


@dataclass(frozen=True)
class Backend(Generic[State, Weights, Options]):
    """One implementation of a recurrence over a sequence.

    Attributes:
        name: The name by which it is requested.
        unsupported_reason: Returns a sentence that says why it cannot run a problem, or None if it can.
        scan: Runs the recurrence. Takes inputs, state, lengths, weights, options, and whether to keep every state;
            returns outputs, the last state, and every state or None.
    """

    name: str
    unsupported_reason: Callable[[Problem[Options]], str | None]
    scan: Callable[
        [Inputs, State, Lengths | None, Weights, Options, bool], tuple[Outputs, State, State | None]
    ]  # fmt: skip


def choose(
    backend_name: str, problem: Problem[Options], backends: Mapping[str, Backend[State, Weights, Options]]
) -> Backend[State, Weights, Options]:
    """Choose the backend for a problem: the requested one, or with "auto" the first that supports it.

    Args:
        backend_name: "auto" or a key of `backends`.
        problem: The problem to run.
        backends: All backends of the recurrence, fastest first.

    Raises:
        UnsupportedError: The requested backend cannot run it, or with "auto" none can.
    """
    if backend_name != "auto":
        chosen = backends[backend_name]
        reason = chosen.unsupported_reason(problem)
        if reason is not None:
            raise UnsupportedError(f"backend={backend_name!r} cannot run this: {reason}")
        return chosen
    for backend in backends.values():
        if backend.unsupported_reason(problem) is None:
            return backend
    reasons = "; ".join(f"{name}: {backend.unsupported_reason(problem)}" for name, backend in backends.items())
    raise UnsupportedError(f"no backend can run this: {reasons}")


def unsupported_controller(problem: Problem[Any]) -> str | None:
    """Say why no kernel can run the controller of a problem; None where they can."""
    if problem.options is None or problem.options.controller in {"lstm", "feedforward"}:
        return None
    return f"the controller is {problem.options.controller!r}, and this backend has 'lstm' and 'feedforward'"


def derivative_of(tensors: Iterable[Tensor]) -> Derivative:
    """Return how the result of a computation on these tensors, done now, will be differentiated."""
    if not torch.compiler.is_compiling():
        if torch._C._are_functorch_transforms_active():
            return "torch.func"
        if forward_ad._current_level >= 0:
            return "forward"
    wanted = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    return "backward" if wanted else "none"
