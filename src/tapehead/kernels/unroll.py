"""A recurrence over a sequence, step after step: the slow way that always works."""

from collections.abc import Callable

import torch
from torch import Tensor

from tapehead._shapes import Input, Inputs, Lengths, Output, Outputs
from tapehead._state import State, clone_state, hold_finished, stack_states


def unroll(
    step: Callable[[Input, State], tuple[Output, State]],
    inputs: Inputs,
    state: State,
    lengths: Lengths | None,
    output_size: int,
    keep_states: bool,
) -> tuple[Outputs, State, State | None]:
    """Loop over a step; after its length a sequence's state stands still and its outputs are zero.

    Args:
        step: From an input (B, I) and a state to an output (B, O) and the next state.
        inputs: x, (T, B, I).
        state: The state before the first step.
        lengths: How many steps each sequence has, 0..T, (B,). None: all have T.
        output_size: O.
        keep_states: Whether to return the state after every step.

    Returns:
        The outputs (T, B, O), the last state, and the states (every tensor with the axis T in front) or None.
    """
    inputs = clear_padding(inputs, lengths)
    outputs: list[Tensor] = []
    states: list[State] = []
    for time, step_inputs in enumerate(inputs.unbind(0)):
        output, after = step(step_inputs, state)
        if lengths is None:
            state = after
        else:
            running = time < lengths
            output = torch.where(running.unsqueeze(-1), output, 0.0)
            state = hold_finished(running, after, state)
        outputs.append(output)
        if keep_states:
            states.append(state)
    nothing = inputs.new_empty(0, inputs.shape[1], output_size)
    if not outputs:
        return nothing, clone_state(state), stack_states([], state) if keep_states else None
    return torch.stack(outputs), state, stack_states(states, state) if keep_states else None


def clear_padding(inputs: Inputs, lengths: Lengths | None) -> Inputs:
    """Make the inputs after each sequence's length zero: a NaN there would spoil the gradients, if no value."""
    if lengths is None:
        return inputs
    running = torch.arange(inputs.shape[0], device=inputs.device).unsqueeze(-1) < lengths
    return torch.where(running.unsqueeze(-1), inputs, 0.0)
