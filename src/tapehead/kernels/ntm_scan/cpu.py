"""The Neural Turing Machine over a sequence as one call into C++, on torch's own threads.

The C++ (`native/`) knows nothing of torch. Here it is registered as operators, forward and backward, and given torch's
tensors as pointers.
"""

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels import _native
from tapehead.kernels._backend import Problem
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights

STATES = len(NTMState._fields)

_Shape: TypeAlias = tuple[int | torch.SymInt, ...]


def refuse(problem: Problem) -> str | None:
    """Say why the kernel cannot run a problem; None where it can."""
    if problem.device.type != "cpu":
        return f"the tensors are on {problem.device}, and this backend runs on the CPU"
    if problem.dtype not in {torch.float32, torch.float64}:
        return f"the numbers are {problem.dtype}, and this backend computes in float32 and float64"
    if not torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active():
        return "the transforms of torch.func cannot see into it"
    return _native.MISSING


def scan(
    inputs: Inputs,
    state: NTMState,
    lengths: Lengths | None,
    weights: NTMWeights,
    options: NTMOptions,
    keep_states: bool,
) -> tuple[Outputs, NTMState, NTMState | None]:
    """Run the scan in C++; under autocast, too, in the weights' own number format.

    Raises:
        TypeError: The tensors have different number formats.
        ValueError: A tensor's shape does not fit the others'.
    """
    reach = options.shift_range if options.addressing == "content_and_location" else -1
    results = torch.ops.tapehead.ntm_scan.default(
        inputs.to(weights.head_weight.dtype),
        list(state),
        None if lengths is None else lengths.to("cpu", torch.int64),
        [*(tensor for layer in weights.controller for tensor in layer), *weights[1:]],
        reach,
        options.clip,
        keep_states,
    )
    outputs, last, states = results[0], results[1 : 1 + STATES], results[1 + STATES :]
    return outputs, NTMState(*last), NTMState(*states) if keep_states else None


# ------------------------------------------------------------------------------------------------------ the operators
#
# `ntm_scan` is what users see. On its way down it meets autograd, which calls `ntm_scan_forward` in its place and keeps
# what that leaves for `ntm_scan_backward`. torch.library.custom_op would do the same for several times the overhead.

_OPERATORS = torch.library.Library("tapehead", "FRAGMENT")
_ARGUMENTS = "Tensor inputs, Tensor[] state, Tensor? lengths, Tensor[] weights, int reach, float? clip"
_OPERATORS.define(f"ntm_scan({_ARGUMENTS}, bool keep_states) -> Tensor[]")
_OPERATORS.define(f"ntm_scan_forward({_ARGUMENTS}, bool keep_states) -> Tensor[]")
_OPERATORS.define(f"ntm_scan_backward({_ARGUMENTS}, Tensor kept, Tensor?[] gradients, bool[] wanted) -> Tensor[]")


class _Sizes(NamedTuple):
    """The sizes of a call, in the order in which native/call.h has them."""

    steps: int
    sequences: int
    inputs: int
    outputs: int
    slots: int
    width: int
    read_heads: int
    write_heads: int
    units: int
    layers: int
    reach: int

    @classmethod
    def of(cls, inputs: Tensor, state: Sequence[Tensor], weights: Sequence[Tensor], reach: int) -> "_Sizes":
        memory, reading, writing, _, hidden, _ = state
        _, slots, width = memory.shape
        outputs, units, heads = weights[-1].shape[0], weights[-4].shape[1], (reading.shape[1], writing.shape[1])
        return cls._make([*inputs.shape, outputs, slots, width, *heads, units, hidden.shape[1], reach])

    def state_shapes(self) -> list[_Shape]:
        reads, layers = (self.sequences, self.read_heads), (self.sequences, self.layers, self.units)
        return [
            (self.sequences, self.slots, self.width),
            (*reads, self.slots),
            (self.sequences, self.write_heads, self.slots),
            (*reads, self.width),
            layers,
            layers,
        ]

    def weight_shapes(self) -> list[_Shape]:
        heads, reads = self.read_heads + self.write_heads, self.read_heads * self.width
        of_a_head = self.width + 1 + (0 if self.reach < 0 else 2 * self.reach + 3)
        parameters = heads * of_a_head + 2 * self.write_heads * self.width
        seen = [self.inputs + reads, *[self.units] * (self.layers - 1)]
        controller: list[_Shape] = [(self.units, seen[0]), (self.units,)]
        if self.layers:
            gates = 4 * self.units
            controller = [shape for size in seen for shape in ((gates, size), (gates, self.units), (gates,))]
        read_out = (self.outputs, self.units + reads)
        return [*controller, (parameters, self.units), (parameters,), read_out, (self.outputs,)]

    def kept(self) -> int | torch.SymInt:
        """How many numbers a forward pass keeps for the backward pass (`Records` in native/layout.h)."""
        heads, reads = self.read_heads + self.write_heads, self.read_heads * self.width
        slots, shapes = _padded(self.slots), self.weight_shapes()
        units, parameters, gates = self.units, shapes[-4][0], shapes[0][0]
        lstm = min(self.layers, 1)
        fields = [heads * slots, slots, self.layers * units]
        for layer in range(max(self.layers, 1)):
            seen = 2 * units if layer else reads + lstm * units + self.inputs
            fields += [seen, gates, lstm * units]
        by_location = heads * slots if self.reach >= 0 else 0
        fields += [reads + units, parameters, parameters, heads, heads * slots, by_location, by_location, self.outputs]
        record = sum(map(_padded, fields))
        record += 16 * (1 - record // 16 % 2)
        memories = (self.steps + 7) // 8 * self.sequences
        return (self.steps + 1) * self.sequences * record + 16 + memories * self.width * slots


def _padded(count: int | torch.SymInt) -> int | torch.SymInt:
    return (count + 15) // 16 * 16


def _run(
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    reach: int,
    clip: float | None,
    keep_states: bool,
    keep: bool = False,
) -> list[Tensor]:
    """Go forward: outputs, last state, every state where wanted; with `keep`, also what the backward pass will need."""
    sizes = _Sizes.of(inputs, state, weights, reach)
    _check(sizes, inputs, state, lengths, weights)
    inputs, state, weights = inputs.contiguous(), _contiguous(state), _contiguous(weights)
    lengths = None if lengths is None else lengths.contiguous()
    outputs = inputs.new_empty(sizes.steps, sizes.sequences, sizes.outputs)
    last = [torch.empty_like(tensor) for tensor in state]
    states = [tensor.new_empty(sizes.steps, *tensor.shape) for tensor in state] if keep_states else []
    kept = [_native.ROOM.lend(int(sizes.kept()), inputs.dtype)] if keep else []
    call = _Call(*sizes, torch.get_num_threads(), math.inf if clip is None else clip)
    pointers = _list(weights)
    call.weights, call.input = ctypes.addressof(pointers), _at(inputs)
    call.lengths, call.output = _at(lengths), _at(outputs)
    call.first, call.last = _State(*map(_at, state)), _State(*map(_at, last))
    if keep_states:
        call.states = _State(*map(_at, states))
    if keep:
        call.kept = _at(kept[0])
    _enter("forward", call, inputs.dtype)
    return [outputs, *last, *states, *kept]


def _run_backward(
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    reach: int,
    clip: float | None,
    kept: Tensor,
    gradients: list[Tensor | None],
    wanted: list[bool],
) -> list[Tensor]:
    """Go back: the gradients of those of inputs, state and weights that are wanted."""
    sizes = _Sizes.of(inputs, state, weights, reach)
    inputs, state, weights = inputs.contiguous(), _contiguous(state), _contiguous(weights)
    lengths = None if lengths is None else lengths.contiguous()
    given = [None if gradient is None else gradient.contiguous() for gradient in gradients]
    tensors = [inputs, *state, *weights]
    results = [torch.empty_like(tensor) if want else None for tensor, want in zip(tensors, wanted, strict=True)]
    call = _Call(*sizes, torch.get_num_threads(), math.inf if clip is None else clip)
    pointers, result_pointers = _list(weights), _list(results[1 + STATES :])
    call.weights, call.input = ctypes.addressof(pointers), _at(inputs)
    call.lengths, call.output = _at(lengths), _at(given[0])
    call.first, call.last = _State(*map(_at, state)), _State(*map(_at, given[1 : 1 + STATES]))
    if len(given) > 1 + STATES:
        call.states = _State(*map(_at, given[1 + STATES :]))
    call.input_gradient, call.first_gradient = _at(results[0]), _State(*map(_at, results[1 : 1 + STATES]))
    if any(wanted[1 + STATES :]):
        call.weight_gradients = ctypes.addressof(result_pointers)
    call.kept = _at(kept)
    _enter("backward", call, inputs.dtype)
    return [result for result in results if result is not None]


def _shapes_of_run(
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    reach: int,
    clip: float | None,
    keep_states: bool,
    keep: bool = False,
) -> list[Tensor]:
    sizes = _Sizes.of(inputs, state, weights, reach)
    steps = (sizes.steps,)
    shapes = [(*steps, sizes.sequences, sizes.outputs), *sizes.state_shapes()]
    if keep_states:
        shapes += [steps + shape for shape in sizes.state_shapes()]
    if keep:
        shapes.append((sizes.kept(),))
    return [inputs.new_empty(shape) for shape in shapes]


def _shapes_of_backward(
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    reach: int,
    clip: float | None,
    kept: Tensor,
    gradients: list[Tensor | None],
    wanted: list[bool],
) -> list[Tensor]:
    tensors = zip([inputs, *state, *weights], wanted, strict=True)
    return [tensor.new_empty(tensor.shape) for tensor, want in tensors if want]


class _Differentiable(torch.autograd.Function):
    """The scan, kept for its gradient; the tensors are the inputs, the state and the weights."""

    @staticmethod
    def forward(
        ctx: Any, reach: int, clip: float | None, keep_states: bool, lengths: Tensor | None, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        inputs, state, weights = tensors[0], list(tensors[1 : 1 + STATES]), list(tensors[1 + STATES :])
        with torch._C._AutoDispatchBelowAutograd():
            *results, kept = torch.ops.tapehead.ntm_scan_forward.default(
                inputs, state, lengths, weights, reach, clip, keep_states
            )
        ctx.reach, ctx.clip = reach, clip
        ctx.save_for_backward(lengths, kept, *tensors)
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        lengths, kept, inputs, *tensors = ctx.saved_tensors
        wanted = ctx.needs_input_grad[4:]
        found = iter(
            torch.ops.tapehead.ntm_scan_backward.default(
                inputs, tensors[:STATES], lengths, tensors[STATES:], ctx.reach, ctx.clip, kept, gradients, wanted
            )
        )
        return (None,) * 4 + tuple(next(found) if want else None for want in wanted)


def _with_autograd(
    inputs: Tensor,
    state: list[Tensor],
    lengths: Tensor | None,
    weights: list[Tensor],
    reach: int,
    clip: float | None,
    keep_states: bool,
) -> list[Tensor]:
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (inputs, *state, *weights)):
        apply: Callable[..., tuple[Tensor, ...]] = _Differentiable.apply
        return list(apply(reach, clip, keep_states, lengths, inputs, *state, *weights))
    with torch._C._AutoDispatchBelowAutograd():
        results: list[Tensor] = torch.ops.tapehead.ntm_scan.default(
            inputs, state, lengths, weights, reach, clip, keep_states
        )
    return results


_OPERATORS.impl("ntm_scan", _run, "CPU")
_OPERATORS.impl("ntm_scan", _with_autograd, "Autograd")
_OPERATORS.impl("ntm_scan_forward", partial(_run, keep=True), "CPU")
_OPERATORS.impl("ntm_scan_backward", _run_backward, "CPU")
torch.library.register_fake("tapehead::ntm_scan", _shapes_of_run, lib=_OPERATORS)
torch.library.register_fake("tapehead::ntm_scan_forward", partial(_shapes_of_run, keep=True), lib=_OPERATORS)
torch.library.register_fake("tapehead::ntm_scan_backward", _shapes_of_backward, lib=_OPERATORS)


def _check(
    sizes: _Sizes, inputs: Tensor, state: Sequence[Tensor], lengths: Tensor | None, weights: Sequence[Tensor]
) -> None:
    """Refuse what the kernel would read wrongly, or past its end."""
    if not 2 * sizes.reach < sizes.slots:
        most = (sizes.slots - 1) // 2
        raise ValueError(f"shift_range: expected at most {most} with {sizes.slots} slots, not {sizes.reach}")
    if lengths is not None and lengths.shape != inputs.shape[1:2]:
        raise ValueError(f"lengths: expected shape {(sizes.sequences,)}, not {tuple(lengths.shape)}")
    if lengths is not None and lengths.dtype != torch.int64:
        raise TypeError(f"lengths: expected torch.int64, not {lengths.dtype}")
    shapes = sizes.state_shapes() + sizes.weight_shapes()
    if len(shapes) != len(state) + len(weights):
        raise ValueError(f"weights: expected {len(shapes) - len(state)} tensors, not {len(weights)}")
    for place, (tensor, shape) in enumerate(zip((*state, *weights), shapes, strict=True)):
        if tensor.shape != shape or tensor.dtype != inputs.dtype:
            name = f"state.{NTMState._fields[place]}" if place < STATES else f"weights, tensor {place - STATES}"
            if tensor.dtype != inputs.dtype:
                raise TypeError(f"{name}: expected {inputs.dtype}, not {tensor.dtype}")
            raise ValueError(f"{name}: expected shape {shape}, not {tuple(tensor.shape)}")


# ---------------------------------------------------------------------------------------------------------- the call


class _State(ctypes.Structure):
    """Pointers to a state's tensors; null where there is none."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in NTMState._fields)


class _Call(ctypes.Structure):
    """One call of the kernel; native/call.h has the same fields in the same order, and says what they are."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in (*_Sizes._fields, "threads")),
        ("clip", ctypes.c_double),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "weights",
                "weight_gradients",
                "input",
                "input_gradient",
                "lengths",
                "output",
            )
        ),
        *((name, _State) for name in ("first", "last", "states", "first_gradient")),
        ("kept", ctypes.c_void_p),
        ("scratch", ctypes.c_void_p),
    )


def _at(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _list(tensors: Sequence[Tensor | None]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(tensors))(*map(_at, tensors))


def _contiguous(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.contiguous() for tensor in tensors]


def _enter(direction: str, call: _Call, dtype: torch.dtype) -> None:
    library, pointer = _native.library(), ctypes.byref(call)
    precision = (_native.LEVEL, dtype == torch.float64)
    scratch = _native.ROOM.lend(library.tapehead_ntm_scratch(*precision, direction == "backward", pointer), dtype)
    call.scratch = scratch.data_ptr()
    run = library.tapehead_ntm_forward if direction == "forward" else library.tapehead_ntm_backward
    run(*precision, pointer, _native.parallel_for())
