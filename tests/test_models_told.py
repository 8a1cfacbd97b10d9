"""What a Differentiable Neural Computer's heads were told is worked out again from a trace, exactly."""

import pytest
import torch

from tapehead.maths import dnc, linkage
from tests.small_models import DNC_KINDS, drawn_inputs, made

STEPS, SEQUENCES = 6, 3


@pytest.mark.parametrize("kind", DNC_KINDS)
def test_what_the_heads_were_told_leads_from_each_state_of_a_trace_to_the_next(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(STEPS, SEQUENCES)
    states = model.trace(inputs).states
    told = model.interface(inputs, states)
    before = model.initial_state(SEQUENCES)
    for step in range(STEPS):
        after = dnc.DNCState(*(tensor[step] for tensor in states))
        now = dnc.Interface._make(None if part is None else part[step] for part in told)
        usage, write_weightings, memory = dnc.write(before, now, model.cell.options)
        torch.testing.assert_close(usage, after.usage)
        torch.testing.assert_close(write_weightings, after.write_weightings)
        torch.testing.assert_close(memory, after.memory)
        torch.testing.assert_close(dnc.look(memory, after.links, before.read_weightings, now), after.read_weightings)
        before = after


def test_what_was_allocated_follows_from_the_usage_and_the_gates_of_a_trace() -> None:
    model, inputs = made("dnc with an lstm"), drawn_inputs(STEPS, SEQUENCES)
    states = model.trace(inputs).states
    told = model.interface(inputs, states)
    offered = linkage.allocations(states.usage, told.write_gates, told.allocation_gates)
    for step in range(STEPS):
        alone = linkage.allocations(states.usage[step], told.write_gates[step], told.allocation_gates[step])
        torch.testing.assert_close(offered[step], alone)
    assert not offered.requires_grad
