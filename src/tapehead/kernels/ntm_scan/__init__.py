"""The Neural Turing Machine over a whole sequence: one signature, several backends."""

from typing import NamedTuple

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels.backend import Backend, choose, problem_of
from tapehead.kernels.ntm_scan import cpp, reference, triton
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights

BACKENDS: dict[str, Backend[NTMState, NTMWeights, NTMOptions]] = {
    "cpp": cpp.BACKEND,
    "reference": reference.BACKEND,
    "triton": triton.BACKEND,
}
"""What can run it, fastest first; but Triton's has not run on a GPU yet, so it is for those who ask for it by name."""


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
    """Run the model over T time steps (`maths.ntm.ntm_step`, T times).

    Args:
        inputs: x, (T, B, I).
        state: The state before the first step.
        weights: The model's weights.
        options: The model's options.
        lengths: How many steps each sequence has, 0..T, (B,); afterwards its state stands still and its outputs are
            zero. None: all have T.
        keep_states: Whether to return the state after every step.
        backend: "auto" or a key of `BACKENDS`.

    Raises:
        UnsupportedError: The backend that was asked for cannot run this problem.
    """
    chosen = choose(backend, problem_of(inputs, state, weights, options), BACKENDS)
    return NTMScan(*chosen.scan(inputs, state, lengths, weights, options, keep_states))
