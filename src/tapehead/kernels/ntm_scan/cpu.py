"""The Neural Turing Machine over a sequence as one call into C++, on torch's own threads."""

import torch

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels import _scan
from tapehead.kernels._backend import Problem
from tapehead.kernels._machine import Machine, Numbers, Shape, Sizes, padded
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights

STATES = len(NTMState._fields)


def refuse(problem: Problem) -> str | None:
    """Say why the kernel cannot run a problem; None where it can."""
    return _scan.refuse(problem)


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
    results = _scan.scan(
        MACHINE,
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


def numbers_of(options: NTMOptions) -> list[int]:
    """Say what the kernel needs of the options beyond sizes and clip: the reach, -1 for content alone."""
    return [options.shift_range if options.addressing == "content_and_location" else -1]


class _NTM(Machine):
    name = "ntm"
    state_fields = NTMState._fields
    options = 1

    def state_shapes(self, sizes: Sizes) -> list[Shape]:
        reads, layers = (sizes.sequences, sizes.read_heads), (sizes.sequences, sizes.layers, sizes.units)
        return [
            (sizes.sequences, sizes.slots, sizes.width),
            (*reads, sizes.slots),
            (sizes.sequences, sizes.write_heads, sizes.slots),
            (*reads, sizes.width),
            layers,
            layers,
        ]

    def parameters(self, sizes: Sizes) -> Numbers:
        (reach,) = sizes.options
        of_a_head = sizes.width + 1 + (0 if reach < 0 else 2 * reach + 3)
        return (sizes.read_heads + sizes.write_heads) * of_a_head + 2 * sizes.write_heads * sizes.width

    def record(self, sizes: Sizes) -> list[Numbers]:
        heads, slots = sizes.read_heads + sizes.write_heads, padded(sizes.slots)
        by_location = heads * slots if sizes.options[0] >= 0 else 0
        return [heads * slots, slots, heads, heads * slots, by_location, by_location]

    def memories(self, sizes: Sizes) -> Numbers:
        return sizes.width * padded(sizes.slots)

    def check(self, sizes: Sizes) -> None:
        (reach,) = sizes.options
        if not 2 * reach < sizes.slots:
            most = (sizes.slots - 1) // 2
            raise ValueError(f"shift_range: expected at most {most} with {sizes.slots} slots, not {reach}")


MACHINE = _NTM()
_scan.register(MACHINE)
