"""The targets follow from the inputs: every task against a decoder that knows nothing of how it is made."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from tapehead.tasks import Batch, GroupWords
from tests.tasks.decoders import DECODERS, Due, MalformedError
from tests.tasks.every import ENCODED, EVERY, generator, sizes_of
from tests.tasks.string_decoders import STRING_DECODERS

SEQUENCES, AT_A_TIME = 1000, 50


def told(batch: Batch, sequence: int, steps: int) -> Due:
    """The targets of one sequence, as the batch has them."""
    targets = batch.targets[:steps, sequence].tolist()
    if not batch.targets.is_floating_point():
        targets = [[symbol] for symbol in targets]
    return {step: targets[step] for step in range(steps) if batch.mask[step, sequence]}


def agree(said: Due, worked_out: Due, possible: set[float]) -> bool:
    if said.keys() != worked_out.keys():
        return False
    pairs = [pair for step, bits in worked_out.items() for pair in zip(bits, said[step], strict=True)]
    return all(wanted in {None, given} and given in possible for wanted, given in pairs)


def wrong_sequences(both: str, batch: Batch) -> list[int]:
    """The sequences on which the batch and the decoder disagree."""
    name, encoding = ENCODED[both]
    symbols = 2 if batch.targets.is_floating_point() else EVERY[both].output_size
    wrong, possible = [], set(map(float, range(symbols)))
    for sequence, length in enumerate(batch.lengths.tolist()):
        # where these stop cannot be seen: it is told; the others see the blank steps after the end too
        steps = length if name in {"ngrams", "group_words", "mqar", "text"} else len(batch.inputs)
        try:
            worked_out = (DECODERS | STRING_DECODERS)[name](batch.inputs[:steps, sequence].tolist(), encoding)
        except (MalformedError, StopIteration):
            wrong.append(sequence)
            continue
        if max(worked_out) + 1 != length or not agree(told(batch, sequence, len(batch.inputs)), worked_out, possible):
            wrong.append(sequence)
    return wrong


@pytest.mark.parametrize("sequences", [3 * AT_A_TIME, pytest.param(SEQUENCES, marks=pytest.mark.slow)])
@pytest.mark.parametrize("both", ENCODED)
def test_the_targets_follow_from_the_inputs(both, sequences):
    task, source = EVERY[both], generator(1)
    sizes = sizes_of(task, sequences)
    for first in range(0, sequences, AT_A_TIME):
        batch = task.sample(sizes[first : first + AT_A_TIME], source)
        assert wrong_sequences(both, batch) == []


@pytest.mark.parametrize("both", [both for both in ENCODED if "copy" in both])
def test_the_targets_follow_from_the_inputs_with_many_vectors_of_zeros(both):
    task = replace(EVERY[both], zero_vectors=0.5)
    batch = task.sample_training(sizes_of(task, AT_A_TIME), generator(1))
    assert wrong_sequences(both, batch) == []


@pytest.mark.parametrize(("group", "order"), [("C2", 2), ("C6", 6)])
def test_elements_of_a_cyclic_group_are_added(group: str, order: int):
    task = GroupWords(group=group)
    batch = task.sample(sizes_of(task, AT_A_TIME), generator(1))
    for sequence, length in enumerate(batch.lengths.tolist()):
        total = 0
        for step, element in enumerate(batch.inputs[:length, sequence].tolist()):
            total = (total + element) % order
            assert batch.targets[step, sequence] == total
    assert set(batch.inputs.unique().tolist()) == set(range(order))


def change_a_target(batch: Batch) -> None:
    step = int(batch.mask[:, 0].nonzero()[0])
    if batch.targets.is_floating_point():
        batch.targets[step, 0, 0] = 1 - batch.targets[step, 0, 0]
    else:
        batch.targets[step, 0] = (batch.targets[step, 0] + 1) % 2


def answer_backwards(batch: Batch) -> None:
    due = batch.mask[:, 0]
    batch.targets[due, 0] = batch.targets[due, 0].flip(0)


def ask_a_step_later(batch: Batch) -> None:
    batch.targets[1:, 0] = batch.targets[:-1, 0].clone()
    batch.mask[1:, 0] = batch.mask[:-1, 0].clone()


def ask_a_step_less(batch: Batch) -> None:
    batch.mask[int(batch.mask[:, 0].nonzero()[-1]), 0] = False


def end_a_step_late(batch: Batch) -> None:
    batch.lengths[0] += 1


def answer_the_neighbour(batch: Batch) -> None:
    batch.targets[:, 0] = batch.targets[:, 1].clone()


def let_a_vector_slip(batch: Batch) -> None:
    batch.inputs[:, 0] = batch.inputs[:, 0].roll(1, 0)


DAMAGES = [
    change_a_target,
    answer_backwards,
    ask_a_step_later,
    ask_a_step_less,
    end_a_step_late,
    answer_the_neighbour,
    let_a_vector_slip,
]


ONE_ANSWER = ["even_pairs", "parity_check", "cycle_navigation", "missing_duplicate", "solve_equation"]
SAME_BACKWARDS = [
    (both, answer_backwards) for both in (*ONE_ANSWER, "modular_arithmetic", "modular_arithmetic_brackets")
]
"""A single symbol is."""


@pytest.mark.parametrize(
    ("both", "damage"),
    [(both, damage) for both in ENCODED for damage in DAMAGES if (both, damage) not in SAME_BACKWARDS],
)
def test_a_decoder_notices_a_damaged_batch(both: str, damage: Callable[[Batch], None]):
    task = EVERY[both]
    sizes = sizes_of(task, 8, seed=3)
    sizes[:2] = task.max_size  # two alike, for the damages that mix them
    sizes[2] = sizes.max(axis=0) + 1  # and one longer, so that there is a step after their end
    batches = (Batch(*map(torch.clone, task.sample(sizes, generator(seed)))) for seed in range(5, 50))
    batch = next(one for one in batches if not torch.equal(one.targets[:, 0], one.targets[:, 1]))
    assert wrong_sequences(both, batch) == []
    damage(batch)
    assert wrong_sequences(both, batch) == [0]
