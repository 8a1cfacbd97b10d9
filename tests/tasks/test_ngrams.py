"""N-grams: the best possible predictions, against a count in plain Python."""

import math

import numpy as np
import pytest
import torch

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
    predicted, best = task.predict_optimally(batch), task.optimal_bits(batch)
    for sequence, length in enumerate(batch.lengths.tolist()):
        bits = [int(bit) for bit in batch.targets[:length, sequence, 0].tolist()]
        chances, cost = best_by_hand(bits, context)
        assert predicted[:length, sequence].tolist() == pytest.approx(chances, rel=1e-12)
        assert float(best[sequence]) == pytest.approx(cost, rel=1e-6)


def test_the_first_bits_cost_one_bit_each():
    task = NGrams()
    assert task.optimal_bits(sampled(task, [(1,), (5,), (3,)])).tolist() == [1, 5, 3]


def test_no_context_but_the_right_one_predicts_as_well():
    """The source depends on five bits: who counts after four or six pays more."""
    batch = sampled(NGrams(), [(2000,)] * 30)
    costs = {context: float(NGrams(context=context).optimal_bits(batch).mean()) for context in (4, 5, 6)}
    assert costs[5] < min(costs[4], costs[6])


def mean_cost(batches: int, batch_size: int = 1000) -> tuple[float, float]:
    """The mean of what the best predictions of 200 bits cost, and the standard deviation."""
    task, source = NGrams(), generator(2020)
    sizes = np.full((batch_size, 1), 200)
    costs = torch.cat([task.optimal_bits(task.sample(sizes, source)) for _ in range(batches)]).double()
    assert len(costs) == batches * batch_size
    return float(costs.mean()), float(costs.std())


def test_the_best_predictions_of_two_hundred_bits_cost_133_3():
    mean, deviation = mean_cost(10)
    assert abs(mean - 133.3) < 1.2
    assert abs(deviation - 36) < 2


@pytest.mark.slow
def test_the_best_predictions_cost_128_26_bits_and_the_five_fair_coins():
    """Of 100,000 sequences; the tolerance is three standard errors."""
    mean, deviation = mean_cost(100)
    assert 3 * deviation / math.sqrt(100_000) == pytest.approx(0.35, abs=0.02)
    assert abs(mean - (128.26 + 5)) < 0.35


def test_its_length_has_a_smallest_and_a_largest_like_that_of_other_tasks():
    task = NGrams(min_length=3, max_length=7)
    assert (task.min_size, task.max_size, task.eval_sizes, task.size_names) == ((3,), (7,), ((7,),), ("length",))
