"""Torch operators that run a model over a whole sequence in one call into C++, on torch's own threads, for any model.

The C++ code (`src/`) does not depend on torch. This file registers operators, forward and backward, that pass it
pointers to torch's tensors.
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from tapehead.kernels.backend import Problem
from tapehead.kernels.cpp import library
from tapehead.kernels.cpp.call import address_of, addresses_of, enter, new_call, rows_of
from tapehead.kernels.cpp.layout import Model, OptionNumbers


def unsupported_reason(problem: Problem[Any], model: Model, options: OptionNumbers | None) -> str | None:
    """Return why the C++ kernel cannot run a problem, or None if it can.

    Args:
        problem: The problem to run.
        model: The model whose scan is to run.
        options: The problem's options as numbers; None: not known.
    """
    if problem.device.type != "cpu":
        return f"the tensors are on {problem.device}, and this backend runs on the CPU"
    if problem.dtype is not torch.float32 and problem.dtype is not torch.float64:
        return f"the numbers are {problem.dtype}, and this backend computes in float32 and float64"
    if problem.derivative == "torch.func":
        return "it does not support the transforms of torch.func"
    if problem.derivative == "forward":
        return "it has no forward-mode derivatives"
    if library.MISSING is not None or options is None:
        return library.MISSING
    return model.unsupported_sizes(problem.sizes, options)


def scan(
    model: Model,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: OptionNumbers,
    clip: float | None,
    keep_states: bool,
) -> list[Tensor]:
    """Run a model over a sequence; return outputs, last state and, with `keep_states`, every state."""
    if torch.compiler.is_compiling() or not _is_plain(inputs, lengths, *state, *weights):
        return _operator(model)(inputs, state, lengths, weights, options, clip, keep_states)
    return _with_autograd(model, inputs, state, lengths, weights, options, clip, keep_states, plain=True)


# ------------------------------------------------------------------------------------------------------ the operators
#
# Each model has three: `ntm_scan`, the one to call, `ntm_scan_forward` and `ntm_scan_backward`. Under autograd the
# dispatcher replaces `ntm_scan` by `ntm_scan_forward`, which also returns what `ntm_scan_backward` needs.
# torch.library.custom_op would do the same with several times the overhead.

_OPERATORS = torch.library.Library("tapehead", "FRAGMENT")
_ARGUMENTS = "Tensor inputs, Tensor[] state, Tensor? lengths, Tensor[] weights, int[] options, float? clip"


def register(model: Model) -> None:
    """Define and register the operators of a model."""
    name = f"{model.name}_scan"
    run, shapes = partial(_run, model), partial(_shapes_of_run, model)
    _OPERATORS.define(f"{name}({_ARGUMENTS}, bool keep_states) -> Tensor[]")
    _OPERATORS.define(f"{name}_forward({_ARGUMENTS}, bool keep_states) -> Tensor[]")
    _OPERATORS.define(f"{name}_backward({_ARGUMENTS}, Tensor saved, Tensor?[] gradients, bool[] wanted) -> Tensor[]")
    _OPERATORS.impl(name, run, "CPU")
    _OPERATORS.impl(name, partial(_with_autograd, model), "Autograd")
    _OPERATORS.impl(f"{name}_forward", partial(run, save=True), "CPU")
    _OPERATORS.impl(f"{name}_backward", partial(_run_backward, model), "CPU")
    torch.library.register_fake(f"tapehead::{name}", shapes, lib=_OPERATORS)
    torch.library.register_fake(f"tapehead::{name}_forward", partial(shapes, save=True), lib=_OPERATORS)
    torch.library.register_fake(f"tapehead::{name}_backward", _shapes_of_backward, lib=_OPERATORS)


def _run(
    model: Model,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: Sequence[int],
    clip: float | None,
    keep_states: bool,
    save: bool = False,
) -> list[Tensor]:
    """Run forward: outputs, last state, every state if asked for; with `save`, also what the backward pass needs."""
    sizes = model.sizes(inputs, state, weights)
    numbers = tuple(options)
    model.check_tensors(sizes, numbers, inputs, state, lengths, weights)
    inputs, initial, weights = _plain_memory(inputs), [_rows(tensor) for tensor in state], _contiguous(weights)
    lengths = None if lengths is None else lengths.contiguous()
    outputs = inputs.new_empty(sizes.time_steps, sizes.sequences, sizes.output_size)
    last = [_empty_like(tensor) for tensor in state]
    states = [tensor.new_empty(sizes.time_steps, *tensor.shape) for tensor in state] if keep_states else []
    saved = [library.WORKSPACES.lend(model.saved_numbers(sizes, numbers), inputs.dtype)] if save else []
    call, weight_addresses = new_call(model.name, len(state), sizes, numbers, clip), addresses_of(weights)
    call.weights, call.input = ctypes.addressof(weight_addresses), address_of(inputs)
    call.lengths, call.output = address_of(lengths), address_of(outputs)
    call.initial_state, call.final_state = rows_of(initial), addresses_of(last)
    if keep_states:
        call.states = addresses_of(states)
    if save:
        call.saved_for_backward = address_of(saved[0])
    enter(model.name, "forward", call, inputs.dtype)
    return [outputs, *last, *states, *saved]


def _run_backward(
    model: Model,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: Sequence[int],
    clip: float | None,
    saved: Tensor,
    gradients: list[Tensor | None],
    wanted: list[bool],
) -> list[Tensor]:
    """Run backward: the gradients of those of inputs, state and weights that are `wanted`."""
    sizes = model.sizes(inputs, state, weights)
    inputs, weights = _plain_memory(inputs), _contiguous(weights)
    lengths = None if lengths is None else lengths.contiguous()
    output_gradients = [None if gradient is None else _plain_memory(gradient) for gradient in gradients]
    tensors = [inputs, *state, *weights]
    results = [_empty_like(tensor) if want else None for tensor, want in zip(tensors, wanted, strict=True)]
    state_end = 1 + len(state)
    call = new_call(model.name, len(state), sizes, options, clip)
    weight_addresses, gradient_addresses = addresses_of(weights), addresses_of(results[state_end:])
    call.weights, call.input = ctypes.addressof(weight_addresses), address_of(inputs)
    call.lengths, call.output = address_of(lengths), address_of(output_gradients[0])
    call.final_state = addresses_of(output_gradients[1:state_end])
    if len(output_gradients) > state_end:
        call.states = addresses_of(output_gradients[state_end:])
    call.input_gradient, call.initial_state_gradient = address_of(results[0]), addresses_of(results[1:state_end])
    if any(wanted[state_end:]):
        call.weight_gradients = ctypes.addressof(gradient_addresses)
    call.saved_for_backward = address_of(saved)
    enter(model.name, "backward", call, inputs.dtype)
    return [result for result in results if result is not None]


def _shapes_of_run(
    model: Model,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: Sequence[int],
    clip: float | None,
    keep_states: bool,
    save: bool = False,
) -> list[Tensor]:
    sizes = model.sizes(inputs, state, weights)
    steps, state_shapes = (sizes.time_steps,), model.state_shapes(sizes)
    shapes = [(*steps, sizes.sequences, sizes.output_size), *state_shapes]
    if keep_states:
        shapes += [steps + shape for shape in state_shapes]
    if save:
        shapes.append((model.saved_size(sizes, tuple(options)),))
    return [inputs.new_empty(shape) for shape in shapes]


def _shapes_of_backward(
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: Sequence[int],
    clip: float | None,
    saved: Tensor,
    gradients: list[Tensor | None],
    wanted: list[bool],
) -> list[Tensor]:
    tensors = zip([inputs, *state, *weights], wanted, strict=True)
    return [tensor.new_empty(tensor.shape) for tensor, want in tensors if want]


GIVEN_BEFORE_TENSORS = 6
"""The number of arguments of `_Differentiable.apply` before the tensors that can have a gradient."""


class _Differentiable(torch.autograd.Function):
    """A scan with its backward pass; `tensors` are the inputs, the state and the weights."""

    @staticmethod
    def forward(
        ctx: Any,
        model: Model,
        options: Sequence[int],
        clip: float | None,
        keep_states: bool,
        plain: bool,
        lengths: Tensor | None,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        state_end = 1 + len(model.state_fields)
        inputs, state, weights = tensors[0], list(tensors[1:state_end]), list(tensors[state_end:])
        with torch._C._AutoDispatchBelowAutograd():
            run = partial(_run, model, save=True) if plain else _operator(model, "_forward")
            *results, saved = run(inputs, state, lengths, weights, options, clip, keep_states)
        ctx.model, ctx.options, ctx.clip = model, options, clip
        ctx.save_for_backward(lengths, saved, *tensors)
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("backend 'cpp' has no second derivatives; backend='reference' has")
        lengths, saved, inputs, *tensors = ctx.saved_tensors
        wanted, fields = list(ctx.needs_input_grad[GIVEN_BEFORE_TENSORS:]), len(ctx.model.state_fields)
        plain = _is_plain(lengths, saved, inputs, *tensors, *gradients)
        run = partial(_run_backward, ctx.model) if plain else _operator(ctx.model, "_backward")
        state, weights = tensors[:fields], tensors[fields:]
        found = iter(run(inputs, state, lengths, weights, ctx.options, ctx.clip, saved, list(gradients), wanted))
        return (None,) * GIVEN_BEFORE_TENSORS + tuple(next(found) if want else None for want in wanted)


def _is_plain(*tensors: Tensor | None) -> bool:
    """Whether no subclass, dispatch mode, tracing or torch.func is active: the slow dispatcher can be skipped."""
    plain = all(type(tensor) in (Tensor, Parameter) for tensor in tensors if tensor is not None)
    modes = torch._C._len_torch_dispatch_stack() + torch._ops._len_torch_dispatch_stack_pre_dispatch()
    traced = torch._C._get_tracing_state() is not None or torch._C._are_functorch_transforms_active()
    return plain and not modes and not traced


def _operator(model: Model, half: str = "") -> Callable[..., list[Tensor]]:
    found: Callable[..., list[Tensor]] = getattr(torch.ops.tapehead, f"{model.name}_scan{half}").default
    return found


def _with_autograd(
    model: Model,
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    options: Sequence[int],
    clip: float | None,
    keep_states: bool,
    plain: bool = False,
) -> list[Tensor]:
    """Run, with autograd if a tensor requires a gradient; with `plain` the dispatcher is skipped."""
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (inputs, *state, *weights)):
        apply: Callable[..., tuple[Tensor, ...]] = _Differentiable.apply
        return list(apply(model, options, clip, keep_states, plain, lengths, inputs, *state, *weights))
    with torch._C._AutoDispatchBelowAutograd():
        run = partial(_run, model) if plain else _operator(model)
        return run(inputs, state, lengths, weights, options, clip, keep_states)


def _plain_memory(tensor: Tensor) -> Tensor:
    """Return the tensor in the form that the kernel needs: contiguous, and without a negative bit (`resolve_neg`)."""
    return tensor.resolve_neg().contiguous()


def _rows(tensor: Tensor) -> tuple[Tensor, int]:
    """Return the tensor, contiguous for each sequence, and the stride between sequences: 0 if they share one."""
    if tensor.stride(0) == 0 and tensor.numel() > 0:
        return _plain_memory(tensor[0]), 0
    tensor = _plain_memory(tensor)
    return tensor, tensor.stride(0)


def _empty_like(tensor: Tensor) -> Tensor:
    """Return a contiguous, uninitialized tensor of the same shape."""
    return torch.empty_like(tensor, memory_format=torch.contiguous_format)


def _contiguous(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [_plain_memory(tensor) for tensor in tensors]
