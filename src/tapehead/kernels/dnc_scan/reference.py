"""The Differentiable Neural Computer over a sequence, in plain PyTorch: what every other backend must equal."""

from tapehead._shapes import Input, Inputs, Lengths, Output, Outputs
from tapehead.kernels.backend import Backend
from tapehead.kernels.unroll import unroll
from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights, dnc_step


def scan(
    inputs: Inputs,
    state: DNCState,
    lengths: Lengths | None,
    weights: DNCWeights,
    options: DNCOptions,
    keep_states: bool,
) -> tuple[Outputs, DNCState, DNCState | None]:
    """Loop over `dnc_step`; after its length a sequence's state stands still and its outputs are zero."""

    def step(inputs: Input, state: DNCState) -> tuple[Output, DNCState]:
        return dnc_step(inputs, state, weights, options)

    return unroll(step, inputs, state, lengths, weights.output_bias.shape[0], keep_states)


BACKEND = Backend("reference", lambda problem: None, scan)
"""It runs whatever there is to run."""
