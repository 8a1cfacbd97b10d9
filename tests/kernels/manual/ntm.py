"""The Neural Turing Machine over a sequence with its gradient written out by hand: the manual backward pass.

Plain PyTorch and no autograd: what a step must remember, and what the backward pass makes of it, stand here in the
order and under the names in which a kernel has them. It is slow, and no backend: the tests hold the reference to it.
"""

from typing import Any, cast

import torch
from torch import Tensor

from tapehead._shapes import Inputs, Lengths, Outputs
from tapehead._state import map_state, stack_states
from tapehead.kernels.unroll import clear_padding
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights
from tests.kernels.manual.ntm_backward import backward
from tests.kernels.manual.ntm_forward import flatten, forward, weights_of

FIELDS = len(NTMState._fields)


def scan(
    inputs: Inputs,
    state: NTMState,
    lengths: Lengths | None,
    weights: NTMWeights,
    options: NTMOptions,
    keep_states: bool,
) -> tuple[Outputs, NTMState, NTMState | None]:
    """Do what `reference.scan` does, with gradients that autograd has no part in."""
    results = cast(Any, _Scan).apply(options, keep_states, lengths, inputs, *state, *flatten(weights))
    states = NTMState(*results[1 + FIELDS :]) if keep_states else None
    return results[0], NTMState(*results[1 : 1 + FIELDS]), states


class _Scan(torch.autograd.Function):
    """A run over a sequence as autograd sees it: one operation."""

    @staticmethod
    def forward(
        context: Any, options: NTMOptions, keep_states: bool, lengths: Tensor | None, inputs: Tensor, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        state, weights = NTMState(*tensors[:FIELDS]), weights_of(tensors[FIELDS:], options)
        inputs = clear_padding(inputs, lengths)
        outputs, states, steps = forward(inputs, state, lengths, weights, options)
        context.save_for_backward(*tensors)
        context.options, context.steps = options, steps
        kept = stack_states(states, state) if keep_states else ()
        return outputs, *map_state(torch.clone, states[-1] if states else state), *kept

    @staticmethod
    def backward(context: Any, d_outputs: Tensor, *d_states: Tensor) -> tuple[Tensor | None, ...]:
        weights = weights_of(context.saved_tensors[FIELDS:], context.options)
        d_last, d_kept = NTMState(*d_states[:FIELDS]), d_states[FIELDS:]
        found = backward(
            context.steps, d_outputs, d_last, NTMState(*d_kept) if d_kept else None, weights, context.options
        )
        return None, None, None, found.inputs, *found.state, *flatten(found.weights)
