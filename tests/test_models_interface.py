"""The parameters of a DNC's heads, computed again from a trace."""

import pytest
import torch

from tapehead.maths import dnc, linkage
from tests.small_models import DNC_KINDS, drawn_inputs, made

STEPS, SEQUENCES = 6, 3


@pytest.mark.parametrize("kind", DNC_KINDS)
def test_the_heads_parameters_lead_from_each_state_of_a_trace_to_the_next(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(STEPS, SEQUENCES)
    states = model.trace(inputs).states
    interface = model.interface(inputs, states)
    before = model.initial_state(SEQUENCES)
    for step in range(STEPS):
        after = dnc.DNCState(*(tensor[step] for tensor in states))
        now = dnc.Interface._make(None if part is None else part[step] for part in interface)
        usage, write_weightings, memory = dnc.write(before, now, model.cell.options)
        torch.testing.assert_close(usage, after.usage)
        torch.testing.assert_close(write_weightings, after.write_weightings)
        torch.testing.assert_close(memory, after.memory)
        torch.testing.assert_close(
            dnc.address_reads(memory, after.links, before.read_weightings, now), after.read_weightings
        )
        before = after


def test_what_was_allocated_follows_from_the_usage_and_the_gates_of_a_trace() -> None:
    model, inputs = made("dnc with an lstm"), drawn_inputs(STEPS, SEQUENCES)
    states = model.trace(inputs).states
    interface = model.interface(inputs, states)
    allocated = linkage.allocations(states.usage, interface.write_gates, interface.allocation_gates)
    for step in range(STEPS):
        alone = linkage.allocations(states.usage[step], interface.write_gates[step], interface.allocation_gates[step])
        torch.testing.assert_close(allocated[step], alone)
    assert not allocated.requires_grad
