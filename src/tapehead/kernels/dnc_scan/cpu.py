"""The Differentiable Neural Computer over a sequence as one call into C++, on torch's own threads."""

import torch

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels import _scan
from tapehead.kernels._backend import Problem
from tapehead.kernels._machine import Machine, Numbers, Shape, Sizes, padded
from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights

STATES = len(DNCState._fields)


def refuse(problem: Problem) -> str | None:
    """Say why the kernel cannot run a problem; None where it can."""
    return _scan.refuse(problem)


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
    results = _scan.scan(
        MACHINE,
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


def numbers_of(options: DNCOptions) -> list[int]:
    """Say what the kernel needs of the options beyond sizes and clip: three switches and K, 0 for all links."""
    sparse = 0 if options.sparse_links is None else options.sparse_links or -1  # which is refused
    return [int(options.masked_content), int(options.deallocate), int(options.sharpen_links), sparse]


class _DNC(Machine):
    name = "dnc"
    state_fields = DNCState._fields
    options = 4

    def state_shapes(self, sizes: Sizes) -> list[Shape]:
        reads, writes = (sizes.sequences, sizes.read_heads), (sizes.sequences, sizes.write_heads, sizes.slots)
        layers = (sizes.sequences, sizes.layers, sizes.units)
        return [
            (sizes.sequences, sizes.slots, sizes.width),
            (sizes.sequences, sizes.slots),
            (*reads, sizes.slots),
            writes,
            writes,
            (*writes, sizes.slots),
            (*reads, sizes.width),
            layers,
            layers,
        ]

    def parameters(self, sizes: Sizes) -> Numbers:
        masked, _, sharpened, _ = sizes.options
        reads, writes, width = sizes.read_heads, sizes.write_heads, sizes.width
        of_options = masked * (reads + writes) * width + sharpened * 2 * reads * writes
        return (reads + writes) * (width + 1) + 2 * writes * width + 2 * reads * (1 + writes) + 2 * writes + of_options

    def record(self, sizes: Sizes) -> list[Numbers]:
        masked, _, sharpened, sparse = sizes.options
        slots = padded(sizes.slots)
        reads, writes = sizes.read_heads * slots, sizes.write_heads * slots
        followed, linked = sizes.read_heads * writes, writes if sparse else 0
        state = [slots, reads, writes, writes, slots]
        of_writes = [sizes.write_heads, masked * writes, writes, writes]
        of_reads = [sizes.read_heads, masked * reads, reads, reads]
        of_links = 2 * [followed, sharpened * followed, sharpened * followed]
        return [*state, slots, writes, writes, linked, linked, *of_writes, *of_reads, *of_links]

    def memories(self, sizes: Sizes) -> Numbers:
        slots = padded(sizes.slots)
        return padded(sizes.width * slots) + padded(sizes.write_heads * sizes.slots * slots)

    def check(self, sizes: Sizes) -> None:
        if sizes.options[-1] < 0:
            raise ValueError("sparse_links: expected at least 1, or None")


MACHINE = _DNC()
_scan.register(MACHINE)
