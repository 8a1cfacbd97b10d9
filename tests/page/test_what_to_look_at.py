"""What the page tells people to look at is what the networks do, at sizes of training and larger."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.cells.ntm import NTMState
from tapehead.pretrained import find_pretrained
from tapehead.tasks.batch import Batch
from tapehead.training.loaded_run import load_run
from tests.page.rounded import rounded_network

SLOTS = 128


def _watch(name: str, *size: int, sequences: int = 1) -> tuple[Batch, NTMState]:
    task = load_run(find_pretrained(name), pytest.fail).task
    batch = task.sample(np.array([size] * sequences), np.random.default_rng(sum(size)))
    model = rounded_network(name, torch.float32)
    return batch, model.trace(batch.inputs, model.initial_state(sequences, SLOTS)).states


def _places(weightings: Tensor) -> Tensor:
    """Find the slot of each head's largest weight: (T, B, heads)."""
    return weightings.argmax(dim=-1)


@pytest.mark.parametrize("length", [3, 12, 20, 60, 120])
def test_copying_writes_down_the_slots_and_reads_on_the_same_path(length: int) -> None:
    _, states = _watch("copy-ntm", length)
    write, read = _places(states.write_weightings)[:, 0, 0], _places(states.read_weightings)[:, 0, 0]
    path = list(range(1, length + 1))
    assert write[:length].tolist() == path
    assert set(read[:length].tolist()) == {0}
    assert read[length + 1 :].tolist() == path


@pytest.mark.parametrize(("length", "repeats"), [(3, 4), (6, 4), (10, 10), (20, 10)])
def test_repeated_copies_begin_in_the_slot_after_the_list(length: int, repeats: int) -> None:
    batch, states = _watch("repeat_copy-ntm", length, repeats)
    start, after = length + 2, length + 1
    read, write = _places(states.read_weightings)[start:, 0, 0], _places(states.write_weightings)[:, 0, 0]
    first, later = list(range(1, length + 1)), [after, *range(2, length + 1)]
    assert read.tolist() == first + later * (repeats - 1)
    assert after in write[start : start + length].tolist()
    jumps = [start + length * copy + 1 for copy in range(1, repeats)]
    gates = rounded_network("repeat_copy-ntm", torch.float32).interface(batch.inputs, states).gate[:, 0, 0]
    assert (gates[jumps] > 0.9).all()


@pytest.mark.parametrize("items", [3, 6, 20])
def test_recall_finds_the_item_after_the_query(items: int) -> None:
    batch, states = _watch("associative_recall-ntm", items, sequences=16)
    read, write = _places(states.read_weightings)[:, :, 0], _places(states.write_weightings)[:, :, 0]
    for sequence in range(16):
        query = batch.inputs[4 * items + 1 : 4 * items + 4, sequence, :6]
        listed = batch.inputs[: 4 * items, sequence].unflatten(0, (items, 4))[:, 1:, :6]
        shown = 4 * (int((listed == query).all(dim=(1, 2)).int().argmax()) + 1) + 1  # when the next item began
        assert read[-3:, sequence].tolist() == write[shown : shown + 3, sequence].tolist()


def test_sorting_writes_as_vectors_come_and_a_write_head_follows_the_reading() -> None:
    _, states = _watch("priority_sort-ntm", 20)
    read, write = _places(states.read_weightings)[21:, 0], _places(states.write_weightings)[:, 0]
    assert write[:20].tolist() == [[slot] * 5 for slot in range(1, 21)]
    at = read.mode(dim=-1).values
    followed = [int(slot) in write[21 + step : 23 + step].flatten().tolist() for step, slot in enumerate(at)]
    assert np.mean(followed) > 0.9


def test_n_grams_are_read_where_the_same_five_bits_were_read_before() -> None:
    batch, states = _watch("ngrams-ntm", 200, sequences=8)
    bits, read = batch.targets[:, :, 0].int(), _places(states.read_weightings)[:, :, 0]
    same = []
    for sequence in range(8):
        seen: dict[tuple[int, ...], int] = {}
        for step in range(60, 200):
            context = tuple(bits[step - 5 : step, sequence].tolist())
            slot = int(read[step, sequence])
            same += [slot == seen[context]] if context in seen else []
            seen[context] = slot
    assert np.mean(same) > 0.9
