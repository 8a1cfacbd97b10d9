"""The Neural Turing Machine over a sequence, step after step in plain PyTorch: what every other backend must equal."""

import torch
from torch import Tensor

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead._state import hold_finished, stack_states
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
    outputs: list[Tensor] = []
    states: list[NTMState] = []
    for step in range(inputs.shape[0]):
        output, after = ntm_step(inputs[step], state, weights, options)
        if lengths is None:
            state = after
        else:
            running = step < lengths
            output = torch.where(running.unsqueeze(-1), output, 0.0)
            state = hold_finished(running, after, state)
        outputs.append(output)
        if keep_states:
            states.append(state)
    nothing = inputs.new_empty(0, inputs.shape[1], weights.output_bias.shape[0])
    stacked = torch.stack(outputs) if outputs else nothing
    return stacked, state, stack_states(states, state) if keep_states else None
