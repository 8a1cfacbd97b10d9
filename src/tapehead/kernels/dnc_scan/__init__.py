"""The Differentiable Neural Computer over a whole sequence: one signature, several backends."""

from collections.abc import Mapping
from typing import NamedTuple

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels._backend import Problem, Refusal, choose
from tapehead.kernels.dnc_scan import cpu, reference
from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights

REFUSALS: Mapping[str, Refusal] = {"cpu": cpu.refuse, "reference": lambda problem: None}
"""The backends, fastest first, each with what it refuses."""


class DNCScan(NamedTuple):
    """What a scan returns; `states` (every tensor with the axis T in front) only where it was asked for."""

    outputs: Outputs
    state: DNCState
    states: DNCState | None


def dnc_scan(
    inputs: Inputs,
    state: DNCState,
    weights: DNCWeights,
    options: DNCOptions,
    *,
    lengths: Lengths | None = None,
    keep_states: bool = False,
    backend: str = "auto",
) -> DNCScan:
    """Run the machine over T steps (`maths.dnc.dnc_step`, T times).

    Args:
        inputs: x, (T, B, I).
        state: The state before the first step.
        weights: The machine's weights.
        options: The machine's options.
        lengths: How many steps each sequence has, 0..T, (B,); afterwards its state stands still and its outputs are
            zero. None: all have T.
        keep_states: Whether to return the state after every step.
        backend: "auto" or a key of `REFUSALS`.

    Raises:
        Unsupported: The backend that was asked for cannot run this problem.
    """
    chosen = choose(backend, Problem(inputs.device, inputs.dtype), REFUSALS)
    scan = {"cpu": cpu.scan, "reference": reference.scan}[chosen]
    return DNCScan(*scan(inputs, state, lengths, weights, options, keep_states))
