"""A DNC whose heads' parameters are set by hand: it stores, recalls in order, frees, and stores again."""

import torch
from torch import Tensor

from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights, dnc_step

SLOTS, WIDTH, UNITS = 6, 3, 2
PARTS = {
    "read_key": WIDTH, "read_strength": 1, "write_key": WIDTH, "write_strength": 1, "erase": WIDTH, "add": WIDTH,
    "free": 1, "allocate": 1, "write": 1, "modes": 3,
}  # fmt: skip
YES, NO, STRONG = [40.0], [-40.0], [400.0]
BACKWARD, CONTENT, FORWARD = [[40.0 if mode == chosen else 0.0 for mode in range(3)] for chosen in range(3)]
A, B, C, D = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]

EXACT = 1e-12
"""A sigmoid of 40 and a softmax of strength 400 leave less than 1e-17 undone."""


def heads(**given: list[float]) -> Tensor:
    """The output of the interface layer, (P,); parts that are not given are 0, but for closed gates."""
    given = {"free": NO, "write": NO, "allocate": YES, "read_strength": STRONG, "write_strength": STRONG} | given
    return torch.tensor([number for part, size in PARTS.items() for number in given.get(part, [0.0] * size)]).double()


def store(row: list[float], **more: list[float]) -> Tensor:
    """Write a row to a free slot, in place of what is there."""
    return heads(add=row, write=YES, erase=YES * WIDTH, **more)


def seek(key: list[float], **more: list[float]) -> Tensor:
    """Read the row that is most similar to the key."""
    return heads(read_key=key, modes=CONTENT, **more)


def follow(modes: list[float]) -> Tensor:
    """Read what was written after, or before, the row that was last read."""
    return heads(modes=modes)


def states_after(*steps: Tensor, **options: object) -> list[DNCState]:
    """The state after each step of a model whose heads get these parameters, step by step."""
    usual: dict[str, object] = dict.fromkeys(["masked_content", "deallocate", "sharpen_links"], False)
    dnc_options = DNCOptions("feedforward", 1, 1, WIDTH, None, **(usual | {"sparse_links": None} | options))
    state, states = initial_state(), []
    for step in steps:
        _, state = dnc_step(nothing(1, 1), state, constant_weights(step), dnc_options)
        states.append(state)
    return states


def constant_weights(step: Tensor) -> DNCWeights:
    """A controller that ignores its inputs, and an interface layer with this bias."""
    controller = ((nothing(UNITS, 1 + WIDTH), nothing(UNITS)),)
    return DNCWeights(controller, nothing(len(step), UNITS), step, nothing(1, UNITS + WIDTH), nothing(1))


def nothing(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.float64)


def initial_state() -> DNCState:
    """Nothing is used, nothing linked, and no head is anywhere."""
    shapes = [(SLOTS,), (1, SLOTS), (1, SLOTS), (1, SLOTS), (1, SLOTS, SLOTS), (1, WIDTH), (0, UNITS), (0, UNITS)]
    return DNCState(torch.full((1, SLOTS, WIDTH), 1e-6).double(), *(nothing(1, *shape) for shape in shapes))


def rows_read(states: list[DNCState]) -> list[list[float]]:
    """What was read after each step, to EXACT."""
    rows = torch.stack([state.reads[0, 0] for state in states])
    assert (rows - rows.round()).abs().max() <= EXACT
    return (rows.round() + 0.0).tolist()


def slot_of(weighting: Tensor) -> int:
    """The slot that has all the weight."""
    slot = int(weighting.argmax())
    expected = torch.eye(SLOTS, dtype=torch.float64)[slot]
    assert (weighting.flatten() - expected).abs().max() <= EXACT
    return slot


def test_rows_are_stored_in_one_free_slot_after_the_other() -> None:
    states = states_after(store(A), store(B), store(C))
    assert [slot_of(state.write_weightings) for state in states] == [0, 1, 2]
    torch.testing.assert_close(states[-1].memory[0, :3], torch.eye(3).double(), rtol=0, atol=EXACT)


def test_a_row_is_recalled_by_what_it_looks_like() -> None:
    assert rows_read(states_after(store(A), store(B), store(C), seek(B), seek(A), seek(C))[3:]) == [B, A, C]


def test_rows_are_recalled_in_the_order_in_which_they_were_stored() -> None:
    states = states_after(store(A), store(B), store(C), seek(A), follow(FORWARD), follow(FORWARD))
    assert rows_read(states[3:]) == [A, B, C]


def test_rows_are_recalled_in_the_opposite_order() -> None:
    states = states_after(store(A), store(B), store(C), seek(C), follow(BACKWARD), follow(BACKWARD))
    assert rows_read(states[3:]) == [C, B, A]


def test_the_order_outlasts_steps_at_which_nothing_is_stored() -> None:
    states = states_after(store(A), *[heads()] * 50, store(B), *[heads()] * 50, seek(A), follow(FORWARD))
    assert rows_read(states[-1:]) == [B]


def test_beyond_the_last_row_nothing_is_read() -> None:
    states = states_after(store(A), store(B), seek(B), follow(FORWARD))
    assert states[-1].read_weightings.abs().max() <= EXACT


def test_a_slot_that_was_read_and_freed_is_the_next_to_be_written_to() -> None:
    states = states_after(store(A), store(B), store(C), seek(B), store(D, free=YES))
    assert slot_of(states[-1].write_weightings) == 1


def test_a_slot_that_was_read_and_not_freed_is_not_overwritten() -> None:
    states = states_after(store(A), store(B), store(C), seek(B), store(D))
    assert slot_of(states[-1].write_weightings) == 3


def test_a_full_memory_stores_nothing_until_a_slot_is_freed() -> None:
    full = [store(A)] * SLOTS
    states = states_after(*full, store(B), seek(A), store(C))
    assert states[SLOTS].write_weightings.abs().max() <= EXACT
    freed = states_after(*[store(row) for row in (A, B, C)], *[store(D)] * 3, seek(B), store(C, free=YES))
    assert slot_of(freed[-1].write_weightings) == 1


def test_a_row_is_overwritten_where_it_is_found_by_content() -> None:
    overwrite = store(D, allocate=NO, write_key=B)
    states = states_after(store(A), store(B), store(C), overwrite, seek(D))
    assert slot_of(states[3].write_weightings) == 1
    assert rows_read(states[-1:]) == [D]


def test_a_freed_row_is_still_found_unless_it_is_deallocated() -> None:
    steps = [store(A), store(B), seek(B), heads(free=YES)]
    assert states_after(*steps)[-1].memory[0, 1].tolist() == B
    wiped = states_after(*steps, deallocate=True)[-1].memory[0, 1]
    assert wiped.abs().max() <= EXACT


def test_a_sparse_model_does_the_same_where_heads_are_on_one_slot() -> None:
    steps = [store(A), store(B), store(C), seek(A), follow(FORWARD), follow(FORWARD), follow(BACKWARD)]
    assert rows_read(states_after(*steps, sparse_links=1)[3:]) == [A, B, C, B]


def test_a_model_whose_sparse_links_are_all_links_is_the_dense_one() -> None:
    drawn = torch.randn(8, sum(PARTS.values()), generator=torch.Generator().manual_seed(0)).double()
    for dense, sparse in zip(states_after(*drawn), states_after(*drawn, sparse_links=SLOTS), strict=True):
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(dense, sparse, strict=True))
