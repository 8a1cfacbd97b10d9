"""The Neural Turing Machine over a sequence as one call into C++, on torch's own threads."""

import torch

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels.backend import Backend, Problem, Sizes, unsupported_controller
from tapehead.kernels.cpp import operators
from tapehead.kernels.cpp.layout import Model, OptionNumbers, Shape
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights

STATES = len(NTMState._fields)


def unsupported_reason(problem: Problem[NTMOptions]) -> str | None:
    """Say why the kernel cannot run a problem; None where it can."""
    numbers = None if problem.options is None else numbers_of(problem.options)
    return operators.unsupported_reason(problem, MODEL, numbers) or unsupported_controller(problem)


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
    results = operators.scan(
        MODEL,
        inputs.to(weights.head_weight.dtype),
        list(state),
        None if lengths is None else lengths.to("cpu", torch.int64),
        [*(tensor for layer in weights.controller for tensor in layer), *weights[1:]],
        numbers_of(options),
        options.clip,
        keep_states,
    )
    outputs, last, states = results[0], results[1 : 1 + STATES], results[1 + STATES :]
    return outputs, NTMState(*last), NTMState(*states) if keep_states else None


def numbers_of(options: NTMOptions) -> OptionNumbers:
    """Say what the kernel needs of the options beyond sizes and clip: the shift range, -1 for content alone."""
    _, _, _, _, shift_range, addressing, _ = options  # every option: a new one must not be ignored in silence
    return (shift_range if addressing == "content_and_location" else -1,)


class _NTM(Model):
    name = "ntm"
    state_fields = NTMState._fields

    def state_shapes(self, sizes: Sizes) -> list[Shape]:
        reads, layers = (sizes.sequences, sizes.read_heads), (sizes.sequences, sizes.num_layers, sizes.hidden_size)
        return [
            (sizes.sequences, sizes.memory_slots, sizes.memory_width),
            (*reads, sizes.memory_slots),
            (sizes.sequences, sizes.write_heads, sizes.memory_slots),
            (*reads, sizes.memory_width),
            layers,
            layers,
        ]

    def unsupported_options(self, sizes: Sizes, options: OptionNumbers) -> str | None:
        (shift_range,), slots = options, sizes.memory_slots
        if not 2 * shift_range < slots:
            return f"shift_range: expected at most {(slots - 1) // 2} with {slots} slots, not {shift_range}"
        return None


MODEL = _NTM()
operators.register(MODEL)

BACKEND = Backend("cpp", unsupported_reason, scan)
