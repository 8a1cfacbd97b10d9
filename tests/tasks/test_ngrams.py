"""N-grams: the best possible predictions, against a count in plain Python."""

import math

import pytest

from tapehead.tasks import NGrams
from tests.tasks.every import generator, sampled, sizes_of


def best_by_hand(bits: list[int], context: int) -> tuple[list[float], float]:
    """Count what followed each context, bit by bit: the chances of a 1, and what all bits cost."""
    followed: dict[tuple[int, ...], list[int]] = {}
    chances, cost = [], 0.0
    for place, bit in enumerate(bits):
        if place < context:
            chances.append(0.5)
        else:
            before = followed.setdefault(tuple(bits[place - context : place]), [])
            chances.append((before.count(1) + 0.5) / (len(before) + 1))
            before.append(bit)
        cost -= math.log2(chances[-1] if bit else 1 - chances[-1])
    return chances, cost


@pytest.mark.parametrize("context", [1, 2, 5])
def test_the_best_predictions_are_those_of_counting(context):
    task = NGrams(context=context)
    batch = task.sample(sizes_of(task, 30), generator(4))
    foretold, best = task.foretell(batch), task.best(batch)
    for sequence, length in enumerate(batch.lengths.tolist()):
        bits = [int(bit) for bit in batch.targets[:length, sequence, 0].tolist()]
        chances, cost = best_by_hand(bits, context)
        assert foretold[:length, sequence].tolist() == pytest.approx(chances, rel=1e-12)
        assert float(best[sequence]) == pytest.approx(cost, rel=1e-6)


def test_the_first_bits_cost_one_bit_each():
    task = NGrams()
    assert task.best(sampled(task, [(1,), (5,), (3,)])).tolist() == [1, 5, 3]


def test_no_context_but_the_right_one_foretells_as_well():
    """The source depends on five bits: who counts after four or six pays more."""
    batch = sampled(NGrams(), [(2000,)] * 30)
    costs = {context: float(NGrams(context=context).best(batch).mean()) for context in (4, 5, 6)}
    assert costs[5] < min(costs[4], costs[6])
