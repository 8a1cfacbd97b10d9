"""The parameters of the heads of an NTM and of a DNC, computed again from a trace."""

import pytest
import torch

from tapehead.maths import dnc, linkage, ntm
from tapehead.maths import memory as memories
from tests.small_models import DNC_KINDS, NTM_KINDS, drawn_inputs, made

STEPS, SEQUENCES = 6, 3


@pytest.mark.parametrize("kind", NTM_KINDS)
def test_the_heads_of_an_ntm_lead_from_each_state_of_a_trace_to_the_next(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(STEPS, SEQUENCES)
    states = model.trace(inputs).states
    parts = model.interface(inputs, states)
    before = model.initial_state(SEQUENCES)
    options = model.cell.options
    for step in range(STEPS):
        after = ntm.NTMState(*(tensor[step] for tensor in states))
        now = ntm.HeadParameters(*(part[step] for part in parts))
        previous = torch.cat([before.read_weightings, before.write_weightings], dim=1)
        if (
            step or options.addressing != "content"
        ):  # of a random memory this is not the trace's, whose slots were drawn
            weightings = ntm.address(before.memory, previous, now, options.addressing)
            torch.testing.assert_close(weightings[:, : options.read_heads], after.read_weightings)
            torch.testing.assert_close(weightings[:, options.read_heads :], after.write_weightings)
        memory = before.memory
        for head in range(options.write_heads):
            memory = memories.write(memory, after.write_weightings[:, head], now.erase[:, head], now.add[:, head])
        torch.testing.assert_close(memory, after.memory)
        before = after
    assert not parts.add.requires_grad


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
