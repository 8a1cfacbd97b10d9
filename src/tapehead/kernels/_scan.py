"""A machine over a sequence as one call into C++, on torch's own threads: all that does not depend on the machine.

The C++ (`native/`) knows nothing of torch. Here it is registered as operators, forward and backward, and given torch's
tensors as pointers.
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import Parameter

from tapehead.kernels import _native
from tapehead.kernels._backend import Problem
from tapehead.kernels._call import at, enter, new_call, pointers, rows
from tapehead.kernels._machine import Machine


def refuse(problem: Problem) -> str | None:
    """Say why the kernels cannot run a problem; None where they can."""
    if problem.device.type != "cpu":
        return f"the tensors are on {problem.device}, and this backend runs on the CPU"
    if problem.dtype not in {torch.float32, torch.float64}:
        return f"the numbers are {problem.dtype}, and this backend computes in float32 and float64"
    if not torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active():
        return "the transforms of torch.func cannot see into it"
    if not torch.compiler.is_compiling() and forward_ad._current_level >= 0:
        return "it has no forward-mode derivatives"
    return _native.MISSING


def scan(
    machine: Machine,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: list[int],
    clip: float | None,
    keep_states: bool,
) -> list[Tensor]:
    """Run a machine over a sequence: outputs, last state, and every state where they are wanted."""
    if torch.compiler.is_compiling() or not _is_plain(inputs, lengths, *state, *weights):
        return _operator(machine)(inputs, state, lengths, weights, options, clip, keep_states)
    return _with_autograd(machine, inputs, state, lengths, weights, options, clip, keep_states, plain=True)


# ------------------------------------------------------------------------------------------------------ the operators
#
# `ntm_scan` (or another machine's) is what users see. On its way down it meets autograd, which calls `ntm_scan_forward`
# in its place and keeps what that leaves for `ntm_scan_backward`. torch.library.custom_op would do the same for several
# times the overhead.

_OPERATORS = torch.library.Library("tapehead", "FRAGMENT")
_ARGUMENTS = "Tensor inputs, Tensor[] state, Tensor? lengths, Tensor[] weights, int[] options, float? clip"


def register(machine: Machine) -> None:
    """Make a machine's operators."""
    name = f"{machine.name}_scan"
    run, shapes = partial(_run, machine), partial(_shapes_of_run, machine)
    _OPERATORS.define(f"{name}({_ARGUMENTS}, bool keep_states) -> Tensor[]")
    _OPERATORS.define(f"{name}_forward({_ARGUMENTS}, bool keep_states) -> Tensor[]")
    _OPERATORS.define(f"{name}_backward({_ARGUMENTS}, Tensor kept, Tensor?[] gradients, bool[] wanted) -> Tensor[]")
    _OPERATORS.impl(name, run, "CPU")
    _OPERATORS.impl(name, partial(_with_autograd, machine), "Autograd")
    _OPERATORS.impl(f"{name}_forward", partial(run, keep=True), "CPU")
    _OPERATORS.impl(f"{name}_backward", partial(_run_backward, machine), "CPU")
    torch.library.register_fake(f"tapehead::{name}", shapes, lib=_OPERATORS)
    torch.library.register_fake(f"tapehead::{name}_forward", partial(shapes, keep=True), lib=_OPERATORS)
    torch.library.register_fake(f"tapehead::{name}_backward", _shapes_of_backward, lib=_OPERATORS)


def _run(
    machine: Machine,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: list[int],
    clip: float | None,
    keep_states: bool,
    keep: bool = False,
) -> list[Tensor]:
    """Go forward: outputs, last state, every state where wanted; with `keep`, also what the backward pass will need."""
    sizes = machine.sizes(inputs, state, weights, options)
    machine.check_tensors(sizes, inputs, state, lengths, weights)
    inputs, first, weights = _plain_memory(inputs), [_rows(tensor) for tensor in state], _contiguous(weights)
    lengths = None if lengths is None else lengths.contiguous()
    outputs = inputs.new_empty(sizes.steps, sizes.sequences, sizes.outputs)
    last = [_room_like(tensor) for tensor in state]
    states = [tensor.new_empty(sizes.steps, *tensor.shape) for tensor in state] if keep_states else []
    kept = [_native.ROOM.lend(machine.kept_in_numbers(sizes), inputs.dtype)] if keep else []
    call, of_weights = new_call(machine, sizes, clip), pointers(weights)
    call.weights, call.input = ctypes.addressof(of_weights), at(inputs)
    call.lengths, call.output = at(lengths), at(outputs)
    call.first, call.last = rows(first), pointers(last)
    if keep_states:
        call.states = pointers(states)
    if keep:
        call.kept = at(kept[0])
    enter(machine, "forward", call, inputs.dtype)
    return [outputs, *last, *states, *kept]


def _run_backward(
    machine: Machine,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: list[int],
    clip: float | None,
    kept: Tensor,
    gradients: list[Tensor | None],
    wanted: list[bool],
) -> list[Tensor]:
    """Go back: the gradients of those of inputs, state and weights that are wanted."""
    sizes = machine.sizes(inputs, state, weights, options)
    inputs, weights = _plain_memory(inputs), _contiguous(weights)
    lengths = None if lengths is None else lengths.contiguous()
    given = [None if gradient is None else _plain_memory(gradient) for gradient in gradients]
    tensors = [inputs, *state, *weights]
    results = [_room_like(tensor) if want else None for tensor, want in zip(tensors, wanted, strict=True)]
    behind = 1 + len(state)
    call = new_call(machine, sizes, clip)
    of_weights, of_gradients = pointers(weights), pointers(results[behind:])
    call.weights, call.input = ctypes.addressof(of_weights), at(inputs)
    call.lengths, call.output = at(lengths), at(given[0])
    call.last = pointers(given[1:behind])
    if len(given) > behind:
        call.states = pointers(given[behind:])
    call.input_gradient, call.first_gradient = at(results[0]), pointers(results[1:behind])
    if any(wanted[behind:]):
        call.weight_gradients = ctypes.addressof(of_gradients)
    call.kept = at(kept)
    enter(machine, "backward", call, inputs.dtype)
    return [result for result in results if result is not None]


def _shapes_of_run(
    machine: Machine,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: list[int],
    clip: float | None,
    keep_states: bool,
    keep: bool = False,
) -> list[Tensor]:
    sizes = machine.sizes(inputs, state, weights, options)
    steps, of_state = (sizes.steps,), machine.state_shapes(sizes)
    shapes = [(*steps, sizes.sequences, sizes.outputs), *of_state]
    if keep_states:
        shapes += [steps + shape for shape in of_state]
    if keep:
        shapes.append((machine.kept(sizes),))
    return [inputs.new_empty(shape) for shape in shapes]


def _shapes_of_backward(
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: list[int],
    clip: float | None,
    kept: Tensor,
    gradients: list[Tensor | None],
    wanted: list[bool],
) -> list[Tensor]:
    tensors = zip([inputs, *state, *weights], wanted, strict=True)
    return [tensor.new_empty(tensor.shape) for tensor, want in tensors if want]


GIVEN_BEFORE_TENSORS = 6
"""What `_Differentiable.apply` is given before the tensors that can have a gradient."""


class _Differentiable(torch.autograd.Function):
    """A scan, kept for its gradient; the tensors are the inputs, the state and the weights."""

    @staticmethod
    def forward(
        ctx: Any,
        machine: Machine,
        options: list[int],
        clip: float | None,
        keep_states: bool,
        plain: bool,
        lengths: Tensor | None,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        behind = 1 + len(machine.state_fields)
        inputs, state, weights = tensors[0], list(tensors[1:behind]), list(tensors[behind:])
        with torch._C._AutoDispatchBelowAutograd():
            run = partial(_run, machine, keep=True) if plain else _operator(machine, "_forward")
            *results, kept = run(inputs, state, lengths, weights, options, clip, keep_states)
        ctx.machine, ctx.options, ctx.clip = machine, options, clip
        ctx.save_for_backward(lengths, kept, *tensors)
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("backend 'cpu' has no second derivatives; backend='reference' has")
        lengths, kept, inputs, *tensors = ctx.saved_tensors
        wanted, fields = list(ctx.needs_input_grad[GIVEN_BEFORE_TENSORS:]), len(ctx.machine.state_fields)
        plain = _is_plain(lengths, kept, inputs, *tensors, *gradients)
        run = partial(_run_backward, ctx.machine) if plain else _operator(ctx.machine, "_backward")
        state, weights = tensors[:fields], tensors[fields:]
        found = iter(run(inputs, state, lengths, weights, ctx.options, ctx.clip, kept, list(gradients), wanted))
        return (None,) * GIVEN_BEFORE_TENSORS + tuple(next(found) if want else None for want in wanted)


def _is_plain(*tensors: Tensor | None) -> bool:
    """Whether nobody looks on, as torch.compile does: then the dispatcher need not be asked, which takes long."""
    plain = all(type(tensor) in (Tensor, Parameter) for tensor in tensors if tensor is not None)
    modes = torch._C._len_torch_dispatch_stack() + torch._ops._len_torch_dispatch_stack_pre_dispatch()
    traced = torch._C._get_tracing_state() is not None or torch._C._are_functorch_transforms_active()
    return plain and not modes and not traced


@cache
def _operator(machine: Machine, half: str = "") -> Callable[..., list[Tensor]]:
    found: Callable[..., list[Tensor]] = getattr(torch.ops.tapehead, f"{machine.name}_scan{half}").default
    return found


def _with_autograd(
    machine: Machine,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: list[int],
    clip: float | None,
    keep_states: bool,
    plain: bool = False,
) -> list[Tensor]:
    """Run, with a gradient where one is wanted; `plain` tensors need no dispatcher."""
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (inputs, *state, *weights)):
        apply: Callable[..., tuple[Tensor, ...]] = _Differentiable.apply
        return list(apply(machine, options, clip, keep_states, plain, lengths, inputs, *state, *weights))
    with torch._C._AutoDispatchBelowAutograd():
        run = partial(_run, machine) if plain else _operator(machine)
        return run(inputs, state, lengths, weights, options, clip, keep_states)


def _plain_memory(tensor: Tensor) -> Tensor:
    """The same numbers as they are to lie for the kernel: in order, and none of them only marked as negative."""
    return tensor.resolve_neg().contiguous()


def _rows(tensor: Tensor) -> tuple[Tensor, int]:
    """The same numbers, each sequence's in order, and how many there are between two sequences; 0 if all share."""
    if tensor.stride(0) == 0 and tensor.numel() > 0:
        return _plain_memory(tensor[0]), 0
    tensor = _plain_memory(tensor)
    return tensor, tensor.stride(0)


def _room_like(tensor: Tensor) -> Tensor:
    """Room for as many numbers, in order."""
    return torch.empty_like(tensor, memory_format=torch.contiguous_format)


def _contiguous(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [_plain_memory(tensor) for tensor in tensors]
