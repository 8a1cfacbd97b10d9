"""What the tasks draw has the chances that they promise."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from tapehead.tasks import MQAR, AssociativeRecall, BitTask, NGrams, PrioritySort, RepeatCopy, Reverse
from tests.tasks.decoders import TRAINED_REPEATS
from tests.tasks.every import ENCODED, EVERY, sampled

SIGMAS = 5
"""Standard errors that a mean may be off: once in two million draws, and these are drawn with fixed seeds."""


def vectors_of(both: str) -> torch.Tensor:
    """The inputs on the bits' channels of 2,000 sequences of the largest size, (vectors, bits)."""
    name, encoding = ENCODED[both]
    task = EVERY[both]
    inputs = sampled(task, [task.max_size] * 2000, seed=7).inputs
    match name:
        case "copy":
            heard = inputs[:20, :, :8]
        case "repeat_copy":
            heard = inputs[:10, :, :8] if encoding == "graves2014" else inputs[1:11, :, :8]
        case "associative_recall" if encoding == "graves2014":
            heard = inputs[:24].unflatten(0, (6, 4))[:, 1:].flatten(0, 1)[..., :6]
        case "associative_recall":
            heard = inputs[:18, :, :6]
        case _:
            heard = inputs[:20, :, :8]
    return heard.flatten(0, 1)


@pytest.mark.parametrize("both", [both for both in ENCODED if isinstance(EVERY[both], BitTask) and both != "ngrams"])
def test_bits_are_fair_coins_and_know_nothing_of_each_other(both):
    bits = 2 * vectors_of(both) - 1
    allowed = SIGMAS / math.sqrt(len(bits))
    assert set(bits.unique().tolist()) == {-1.0, 1.0}
    assert bits.mean(dim=0).abs().max() < allowed
    products = bits.T @ bits / len(bits)
    assert (products - torch.eye(bits.shape[1])).abs().max() < allowed
    for number in range(bits.shape[1]):
        one, after = bits[:-1, number], bits[1:, number]
        assert (one * after).mean().abs() < allowed


@pytest.mark.parametrize("encoding", ["graves2014", "collier2018"])
@pytest.mark.parametrize("items", [2, 3, 6, 12])
def test_every_item_but_the_last_is_the_query_as_often(encoding, items):
    count, stride = 4000, 4 if encoding == "graves2014" else 3
    inputs = sampled(AssociativeRecall(encoding=encoding), [(items,)] * count, seed=items).inputs
    query = inputs[items * stride + 1 : items * stride + 4, :, :6]
    listed = inputs[: items * stride].unflatten(0, (items, stride))[:, stride - 3 :, :, :6]
    asked = (listed == query).all(dim=3).all(dim=1).float().argmax(dim=0)
    counts = torch.bincount(asked, minlength=items).tolist()
    share = 1 / (items - 1)
    allowed = SIGMAS * math.sqrt(count * share * (1 - share))
    assert counts[-1] == 0
    assert all(abs(times - count * share) <= allowed for times in counts[:-1])


def test_numbers_of_repeats_have_mean_0_and_variance_1_over_the_range_that_is_trained_on():
    batch = sampled(RepeatCopy(), [(1, repeats) for repeats in TRAINED_REPEATS])
    written = batch.inputs[1, :, 8].double()
    assert abs(written.mean()) < 1e-6
    assert abs(written.var(correction=0) - 1) < 1e-6
    narrow = sampled(RepeatCopy(min_repeats=2, max_repeats=3), [(1, 2), (1, 3), (1, 5)])
    assert narrow.inputs[1, :, 8].tolist() == [-1.0, 1.0, 5.0]


def test_priorities_are_uniform_and_tell_nothing_of_the_vector():
    inputs = sampled(PrioritySort(), [(20,)] * 2000).inputs[:20]
    priorities, vectors = inputs[..., 8].flatten(), 2 * inputs[..., :8].flatten(0, 1) - 1
    count = len(priorities)
    for part in np.linspace(-0.9, 0.9, 19):
        below = float((priorities < part).double().mean())
        assert abs(below - (1 + part) / 2) < SIGMAS * 0.5 / math.sqrt(count)
    assert (priorities @ vectors / count).abs().max() < SIGMAS / math.sqrt(3 * count)


def test_vectors_are_said_in_falling_order_of_priority():
    batch = sampled(PrioritySort(bits=30), [(20,)] * 200)  # 30 bits: no two vectors alike
    for sequence in range(200):
        heard = {tuple(step[:30]): step[30] for step in batch.inputs[:20, sequence].tolist()}
        said = [heard[tuple(step)] for step in batch.targets[21:, sequence].tolist()]
        assert len(heard) == 20
        assert all(higher > lower for higher, lower in pairwise(said))
        assert said == sorted(heard.values(), reverse=True)[:16]


def test_each_source_draws_its_chances_from_beta_a_half_a_half():
    """A bit repeats itself m times over with the m-th moment of its chance: C(2m, m) / 4^m, which only this law has."""
    count = 20_000
    bits = sampled(NGrams(context=1), [(34,)] * count).targets[:, :, 0]
    same = (bits[1:] == bits[0]).cumprod(dim=0).double().mean(dim=1)
    for times in (1, 2, 3, 4, 8, 16, 32):
        moment = math.comb(2 * times, times) / 4**times
        allowed = SIGMAS * math.sqrt(moment * (1 - moment) / count)
        assert abs(float(same[times - 1]) - moment) < allowed, times


def test_the_first_bits_of_a_source_are_fair_coins():
    bits = 2 * sampled(NGrams(), [(5,)] * 20_000).targets[:, :, 0] - 1
    products = bits @ bits.T / bits.shape[1]
    assert bits.mean(dim=1).abs().max() < SIGMAS / math.sqrt(20_000)
    assert (products - torch.eye(5)).abs().max() < SIGMAS / math.sqrt(20_000)


@pytest.mark.parametrize("alphabet", [2, 4, 7])
def test_symbols_are_drawn_equally_often_and_know_nothing_of_each_other(alphabet):
    symbols = sampled(Reverse(alphabet=alphabet), [(20,)] * 4000, seed=alphabet).inputs[:20]
    hits = (symbols.unsqueeze(-1) == torch.arange(alphabet)).double()  # (20, 4000, alphabet)
    share = 1 / alphabet
    for place in range(20):
        allowed = SIGMAS * math.sqrt(share * (1 - share) / 4000)
        assert (hits[place].mean(dim=0) - share).abs().max() < allowed
    pairs = hits[:-1].flatten(0, 1).T @ hits[1:].flatten(0, 1) / (19 * 4000)
    assert (pairs - share**2).abs().max() < SIGMAS * math.sqrt(share**2 * (1 - share**2) / (19 * 4000))


def test_keys_come_again_at_distances_whose_chance_falls_as_a_power():
    """The first key's distance has the law itself; without replacement only the later ones differ from it."""
    task, count = MQAR(vocabulary=64, power=0.25), 20_000
    inputs = sampled(task, [(4,)] * count, seed=8).inputs
    queries = inputs[8::2] == inputs[0]  # (28, count), or fewer if none is the last
    chances = torch.arange(1, 29, dtype=torch.float64) ** -0.75
    chances /= chances.sum()
    found = queries.double().mean(dim=1)
    assert queries.sum() == count
    allowed = SIGMAS * (chances * (1 - chances) / count).sqrt()
    assert ((found - chances[: len(found)]).abs() <= allowed[: len(found)]).all()


def test_keys_and_values_are_drawn_equally_often():
    task, count = MQAR(vocabulary=64), 4000
    inputs = sampled(task, [(4,)] * count, seed=9).inputs
    for place, first, symbols in [(0, 1, 31), (2, 1, 31), (6, 1, 31), (1, 32, 32), (5, 32, 32), (7, 32, 32)]:
        found = torch.bincount(inputs[place] - first, minlength=symbols) / count
        share = 1 / symbols
        assert len(found) == symbols
        assert (found - share).abs().max() < SIGMAS * math.sqrt(share * (1 - share) / count)


def test_by_chance_a_reversed_string_costs_two_bits_a_symbol_and_three_in_four_are_wrong():
    task, count = Reverse(alphabet=4), 4000
    batch = sampled(task, [(20,)] * count, seed=3)
    bits = task.cross_entropy(torch.zeros(40, count, 4), batch)
    assert torch.allclose(bits, torch.tensor(20 * math.log2(4)))
    guesses = torch.rand(40, count, 4, generator=torch.Generator().manual_seed(4))
    errors = task.count_errors(guesses, batch).double()
    assert abs(float(errors.mean()) - 20 * (1 - 1 / 4)) < SIGMAS * math.sqrt(20 * 3 / 16 / count)


UNIFORM = ["even_pairs", "parity_check", "cycle_navigation", "solve_equation"]


@pytest.mark.parametrize("name", [*UNIFORM, "missing_duplicate"])
def test_where_a_single_symbol_is_the_answer_each_is_as_likely(name):
    task, count = EVERY[name], 4000
    batch = sampled(task, [(40,)] * count, seed=5)
    answers = batch.targets[batch.mask]
    share = 1 / task.output_size
    found = torch.bincount(answers, minlength=task.output_size) / count
    assert (found - share).abs().max() < SIGMAS * math.sqrt(share * (1 - share) / count)


def test_expressions_have_every_shape_and_numbers_that_are_equally_likely():
    task = EVERY["modular_arithmetic_brackets"]
    symbols = sampled(task, [(9,)] * 4000, seed=6).inputs[:9]
    assert (symbols[0] == 8).all()
    assert (symbols[8] == 9).all()
    left = torch.stack([(symbols[1] < 5), (symbols[1] == 6) & (symbols[2] < 5), symbols[1] == 8])
    assert torch.equal(left.sum(dim=0), torch.ones(4000, dtype=torch.int64))
    assert (left.double().mean(dim=1) > 0.1).all()
    plus, times = (int((symbols == sign).sum()) for sign in (5, 7))  # a minus may be a sign as well
    assert abs(plus - times) < SIGMAS * math.sqrt(plus + times)
    digits = torch.bincount(symbols[symbols < 5], minlength=5).double()
    assert (digits / digits.sum() - 0.2).abs().max() < SIGMAS * math.sqrt(0.16 / float(digits.sum()))
