"""The Differentiable Neural Computer over a sequence as one call into C++, on torch's own threads."""

import torch

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels.backend import Backend, Problem, Sizes, unsupported_controller
from tapehead.kernels.cpp import operators
from tapehead.kernels.cpp.layout import Model, OptionNumbers, Shape
from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights

STATES = len(DNCState._fields)


def unsupported_reason(problem: Problem[DNCOptions]) -> str | None:
    """Say why the kernel cannot run a problem; None where it can."""
    numbers = None if problem.options is None else numbers_of(problem.options)
    return operators.unsupported_reason(problem, MODEL, numbers) or unsupported_controller(problem)


def scan(
    inputs: Inputs,
    state: DNCState,
    lengths: Lengths | None,
    weights: DNCWeights,
    options: DNCOptions,
    keep_states: bool,
) -> tuple[Outputs, DNCState, DNCState | None]:
    """Run the scan in C++; under autocast, too, in the weights' own number format.

    Raises:
        TypeError: The tensors have different number formats.
        ValueError: A tensor's shape does not fit the others'.
    """
    results = operators.scan(
        MODEL,
        inputs.to(weights.interface_weight.dtype),
        list(state),
        None if lengths is None else lengths.to("cpu", torch.int64),
        [*(tensor for layer in weights.controller for tensor in layer), *weights[1:]],
        numbers_of(options),
        options.clip,
        keep_states,
    )
    outputs, last, states = results[0], results[1 : 1 + STATES], results[1 + STATES :]
    return outputs, DNCState(*last), DNCState(*states) if keep_states else None


def numbers_of(options: DNCOptions) -> OptionNumbers:
    """Say what the kernel needs of the options beyond sizes and clip: three switches and K, 0 for all links."""
    # every option: a new one must not be ignored in silence
    _, _, _, _, _, masked_content, deallocate, sharpen_links, sparse_links = options
    sparse = 0 if sparse_links is None else sparse_links or -1  # which is refused
    return int(masked_content), int(deallocate), int(sharpen_links), sparse


class _DNC(Model):
    name = "dnc"
    state_fields = DNCState._fields

    def state_shapes(self, sizes: Sizes) -> list[Shape]:
        reads, writes = (sizes.sequences, sizes.read_heads), (sizes.sequences, sizes.write_heads, sizes.memory_slots)
        layers = (sizes.sequences, sizes.num_layers, sizes.hidden_size)
        return [
            (sizes.sequences, sizes.memory_slots, sizes.memory_width),
            (sizes.sequences, sizes.memory_slots),
            (*reads, sizes.memory_slots),
            writes,
            writes,
            (*writes, sizes.memory_slots),
            (*reads, sizes.memory_width),
            layers,
            layers,
        ]

    def unsupported_options(self, sizes: Sizes, options: OptionNumbers) -> str | None:  # noqa: ARG002  (of any size)
        return "sparse_links: expected at least 1, or None" if options[-1] < 0 else None


MODEL = _DNC()
operators.register(MODEL)

BACKEND = Backend("cpp", unsupported_reason, scan)
