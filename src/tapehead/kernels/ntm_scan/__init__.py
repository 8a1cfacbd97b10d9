"""The Neural Turing Machine over a whole sequence: one signature, several backends."""

from collections.abc import Mapping
from typing import NamedTuple

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels._backend import Problem, Refusal, choose
from tapehead.kernels.ntm_scan import cpu, reference
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights

REFUSALS: Mapping[str, Refusal] = {"cpu": cpu.refuse, "reference": lambda problem: None}
"""The backends, fastest first, each with what it refuses."""


class NTMScan(NamedTuple):
    """What a scan returns; `states` (every tensor with the axis T in front) only where it was asked for."""

    outputs: Outputs
    state: NTMState
    states: NTMState | None


def ntm_scan(
    inputs: Inputs,
    state: NTMState,
    weights: NTMWeights,
    options: NTMOptions,
    *,
    lengths: Lengths | None = None,
    keep_states: bool = False,
    backend: str = "auto",
) -> NTMScan:
    """Run the machine over T steps (`maths.ntm.ntm_step`, T times).

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
    return NTMScan(*scan(inputs, state, lengths, weights, options, keep_states))
