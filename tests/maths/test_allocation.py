"""Which slots are free, and writing to them, in words."""

import torch

from tapehead.maths import linkage
from tapehead.maths.memory import write, write_together
from tests.maths.slots import SLOTS, assert_close, gates, onehot, vector


def test_a_slot_that_was_read_and_freed_is_not_in_use() -> None:
    retained = linkage.retention(onehot(2), gates(1))
    used = linkage.usage(torch.ones(1, SLOTS).double(), 0 * onehot(0), retained)
    assert_close(used[0], [1, 1, 0, 1, 1])


def test_a_slot_that_was_read_and_kept_is_in_use_as_before() -> None:
    retained = linkage.retention(onehot(2), gates(0))
    used = linkage.usage(torch.full((1, SLOTS), 0.25).double(), 0 * onehot(0), retained)
    assert_close(used[0], [0.25] * SLOTS)


def test_a_slot_is_freed_by_each_head_that_read_it() -> None:
    retained = linkage.retention(torch.cat([onehot(1), onehot(1), onehot(3)], 1), gates(0.5, 0.5, 0.25))
    assert_close(retained[0], [1, 0.25, 1, 0.75, 1])


def test_a_slot_that_was_written_to_is_in_use_to_that_extent() -> None:
    nothing, all_kept = torch.zeros(1, SLOTS).double(), torch.ones(1, SLOTS).double()
    assert_close(linkage.usage(nothing, onehot(3, 0.75), all_kept)[0], [0, 0, 0, 0.75, 0])


def test_usage_grows_with_every_write_and_never_exceeds_one() -> None:
    used, all_kept = torch.zeros(1, SLOTS), torch.ones(1, SLOTS)
    for weight in torch.rand(200, generator=torch.Generator().manual_seed(0)).tolist():
        before, used = used, linkage.usage(used, onehot(1, weight).float(), all_kept)
        assert (used >= before).all()
        assert (used <= 1).all()
    assert used[0, 1] == 1


def test_allocation_picks_the_least_used_slot() -> None:
    assert linkage.allocation(vector(0.9, 0.5, 0.75, 0.25, 1)[None]).argmax() == 3
    assert_close(linkage.allocation(vector(1, 1, 0, 1, 1)[None])[0], [0, 0, 1, 0, 0])


def test_allocation_gives_what_the_least_used_slot_does_not_take_to_the_next() -> None:
    assert_close(linkage.allocation(vector(0.5, 0.25, 1, 1, 1)[None])[0], [0.125, 0.75, 0, 0, 0])


def test_a_full_memory_offers_nothing() -> None:
    assert (linkage.allocation(torch.ones(1, SLOTS)) == 0).all()


def test_an_empty_memory_offers_its_first_slot() -> None:
    assert_close(linkage.allocation(torch.zeros(1, SLOTS).double())[0], [1, 0, 0, 0, 0])


def test_what_is_offered_is_all_that_is_not_in_use_everywhere() -> None:
    usage = torch.rand(50, SLOTS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    offered = linkage.allocation(usage)
    assert (offered >= 0).all()
    assert_close(offered.sum(-1), 1 - usage.prod(-1).numpy())


def test_rounding_does_not_choose_between_slots() -> None:
    equal = torch.full((1, 100), 0.3, dtype=torch.float64)
    shaken = equal + 1e-9 * torch.randn(1, 100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert_close(linkage.allocation(shaken), linkage.allocation(equal).numpy(), tolerance=1e-8)


def test_allocations_order_gets_no_gradient_and_its_values_do_even_where_slots_are_unused() -> None:
    usage = vector(0, 0.5, 0, 1, 0.25)[None].requires_grad_()
    (gradient,) = torch.autograd.grad(linkage.allocation(usage)[0, 2], usage)
    # Slot 2 comes after slot 0: a = (1 - u_2) u_0.
    assert_close(gradient[0], [1, 0, 0, 0, 0])


def test_a_second_write_head_is_offered_what_the_first_does_not_take() -> None:
    empty = torch.zeros(1, SLOTS).double()
    assert_close(linkage.allocations(empty, gates(1, 1), gates(1, 1))[0], torch.eye(SLOTS)[:2])


def test_a_second_write_head_is_offered_the_same_slot_where_the_first_does_not_write() -> None:
    empty = torch.zeros(1, SLOTS).double()
    for write_gate, allocation_gate in [(0, 1), (1, 0)]:
        offers = linkage.allocations(empty, gates(write_gate, 1), gates(allocation_gate, 1))
        assert_close(offers[0], torch.eye(SLOTS)[[0, 0]])


def test_one_write_head_is_offered_the_allocation() -> None:
    usage = torch.rand(3, SLOTS, generator=torch.Generator().manual_seed(0))
    offers = linkage.allocations(usage, torch.rand(3, 1), torch.rand(3, 1))
    assert torch.equal(offers[:, 0], linkage.allocation(usage))


def test_a_closed_write_gate_writes_nowhere() -> None:
    assert (linkage.write_weightings(onehot(0), onehot(1), gates(0), gates(0.5)) == 0).all()


def test_the_allocation_gate_chooses_between_free_slots_and_content() -> None:
    assert_close(linkage.write_weightings(onehot(0), onehot(1), gates(1), gates(1)), onehot(0))
    assert_close(linkage.write_weightings(onehot(0), onehot(1), gates(1), gates(0)), onehot(1))
    assert_close(linkage.write_weightings(onehot(0), onehot(1), gates(0.5), gates(0.25)), [[[0.125, 0.375, 0, 0, 0]]])


def test_a_onehot_erase_clears_one_slot_and_no_other() -> None:
    memory = torch.randn(1, SLOTS, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    after = write_together(memory, onehot(1), torch.ones(1, 1, 3).double(), torch.zeros(1, 1, 3).double())
    assert (after[0, 1] == 0).all()
    assert torch.equal(after[0, [0, 2, 3, 4]], memory[0, [0, 2, 3, 4]])


def test_one_head_writes_together_as_it_writes_alone() -> None:
    draw = torch.Generator().manual_seed(0)
    memory, erase, add = (torch.rand(1, rows, 3, generator=draw) for rows in (SLOTS, 1, 1))
    alone = write(memory, onehot(2, 0.5).float()[:, 0], erase[:, 0], add[:, 0])
    assert torch.equal(write_together(memory, onehot(2, 0.5).float(), erase, add), alone)


def test_no_head_erases_what_another_adds() -> None:
    both = torch.cat([onehot(1), onehot(1)], 1)
    adds = torch.stack([vector(1, 2), vector(10, 20)])[None]
    after = write_together(torch.ones(1, SLOTS, 2).double(), both, torch.ones(1, 2, 2).double(), adds)
    assert_close(after[0, 1], [11, 22])


def test_a_freed_slot_is_wiped_and_the_others_are_kept() -> None:
    memory = torch.ones(1, SLOTS, 2).double()
    assert_close(linkage.deallocate(memory, linkage.retention(onehot(2), gates(1)))[0, :, 0], [1, 1, 0, 1, 1])
