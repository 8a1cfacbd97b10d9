"""The Neural Turing Machine over a sequence, in plain PyTorch: what every other backend must equal."""

from tapehead._shapes import Input, Inputs, Lengths, Output, Outputs
from tapehead.kernels.backend import Backend
from tapehead.kernels.unroll import unroll
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights, ntm_step


def scan(
    inputs: Inputs,
    state: NTMState,
    lengths: Lengths | None,
    weights: NTMWeights,
    options: NTMOptions,
    keep_states: bool,
) -> tuple[Outputs, NTMState, NTMState | None]:
    """Loop over `ntm_step`; after its length a sequence's state stands still and its outputs are zero."""

    def step(inputs: Input, state: NTMState) -> tuple[Output, NTMState]:
        return ntm_step(inputs, state, weights, options)

    return unroll(step, inputs, state, lengths, weights.output_bias.shape[0], keep_states)


BACKEND = Backend("reference", lambda problem: None, scan)
"""It runs whatever there is to run."""
