"""The Differentiable Neural Computer over a whole sequence: one signature, several backends."""

from typing import NamedTuple

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead.kernels.backend import Backend, choose, problem_of
from tapehead.kernels.dnc_scan import cpp, reference, triton
from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights

BACKENDS: dict[str, Backend[DNCState, DNCWeights, DNCOptions]] = {
    "cpp": cpp.BACKEND,
    "reference": reference.BACKEND,
    "triton": triton.BACKEND,
}
"""What can run it, fastest first; but Triton's has not run on a GPU yet, so it is for those who ask for it by name."""


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
    """Run the model over T time steps (`maths.dnc.dnc_step`, T times).

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
    return DNCScan(*chosen.scan(inputs, state, lengths, weights, options, keep_states))
