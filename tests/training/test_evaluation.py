"""Scoring a model on fresh sequences of one size."""

import math

import numpy as np
import pytest
import torch

from tapehead.maths.scores import bits
from tapehead.training import evaluation
from tapehead.training.data import Purpose, draw_batch_of_size, make_generator
from tapehead.training.evaluation import CHUNK, FEWEST, evaluate, score
from tests.training.tiny import tiny_config


def test_the_score_is_the_mean_over_sequences_and_its_standard_error():
    config = tiny_config()
    model, task = config.make_model(), config.make_task()
    batch = draw_batch_of_size(task, (3,), 10, make_generator(1, Purpose.GENERALIZATION, 3, 0))
    with torch.no_grad():
        outputs = model(batch.inputs)[0].double()
    probability = torch.sigmoid(outputs).clamp(1e-12, 1 - 1e-12)
    right = torch.where(batch.targets > 0.5, probability, 1 - probability)
    cost = -(right.log2() * batch.mask[:, :, None]).sum(dim=(0, 2)).numpy()
    errors = (((probability > 0.5) != (batch.targets > 0.5)) & batch.mask[:, :, None]).sum(dim=(0, 2)).numpy()
    found = evaluate(model, task, (3,), 10, seed=1)
    assert (found.size, found.sequences) == ((3,), 10)
    assert found.bits == pytest.approx(np.mean(cost), rel=1e-6)
    assert found.bits_standard_error == pytest.approx(np.std(cost, ddof=1) / math.sqrt(10), rel=1e-4)
    assert found.errors == np.mean(errors)
    assert found.errors_standard_error == pytest.approx(np.std(errors, ddof=1) / math.sqrt(10))


def test_where_no_prediction_is_certain_bits_are_compared_with_the_best_on_the_same_sequences():
    config = tiny_config(task="ngrams")
    model, task = config.make_model(), config.make_task()
    found = evaluate(model, task, (20,), 10, seed=1)
    batch = draw_batch_of_size(task, (20,), 10, make_generator(1, Purpose.GENERALIZATION, 20, 0))
    with torch.no_grad():
        costs = bits(model(batch.inputs)[0], batch.targets, batch.mask).double()
    gaps = (costs - task.optimal_bits(batch)).numpy()
    assert found.optimal_bits == pytest.approx(float(task.optimal_bits(batch).mean()))
    assert found.gap_bits == pytest.approx(np.mean(gaps), abs=1e-6)
    assert found.gap_bits == pytest.approx(found.bits - found.optimal_bits)
    assert found.gap_bits_standard_error == pytest.approx(np.std(gaps, ddof=1) / math.sqrt(10))


def test_where_predictions_can_be_certain_there_is_nothing_to_compare_with():
    config = tiny_config()
    found = evaluate(config.make_model(), config.make_task(), (3,), 4, seed=1)
    assert (found.optimal_bits, found.gap_bits, found.gap_bits_standard_error) == (None, None, None)


def test_one_sequence_has_no_spread():
    config = tiny_config()
    assert evaluate(config.make_model(), config.make_task(), (3,), 1, seed=1).bits_standard_error is None


def test_many_sequences_are_scored_in_chunks_and_counted_once():
    config, sizes = tiny_config(), []
    model = config.make_model()
    model.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[1]))
    found = score(model, config.make_task(), (2,), 2 * CHUNK + 5, 1, Purpose.GENERALIZATION)
    assert sizes == [CHUNK, CHUNK, 5]
    assert found.sequences == 2 * CHUNK + 5


@pytest.mark.parametrize("task", ["copy", "ngrams", "reverse"])
def test_a_large_model_is_run_on_fewer_sequences_at_a_time_with_the_same_score(task, monkeypatch):
    config, sizes, asked = tiny_config("lstm", task=task), [], []
    model, learned = config.make_model(), config.make_task()
    whole = score(model, learned, (8,), CHUNK + 5, 1, Purpose.GENERALIZATION)
    monkeypatch.setattr(evaluation, "MOST_PRODUCTS", 1)
    model.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[1]))
    split = score(
        model, learned, (8,), CHUNK + 5, 1, Purpose.GENERALIZATION, should_stop=lambda: asked.append(len(sizes))
    )
    assert sizes == [FEWEST] * (CHUNK // FEWEST) + [5]
    assert asked == list(range(1, len(sizes)))
    assert split.errors == whole.errors
    assert (split.bits, split.bits_standard_error) == pytest.approx((whole.bits, whole.bits_standard_error), rel=1e-5)
    assert split.optimal_bits == whole.optimal_bits


def test_what_a_model_is_tried_on_does_not_depend_on_the_model():
    config, task = tiny_config(), tiny_config().make_task()
    small = evaluate(config.make_model(), task, (3,), 4, seed=1)
    again = evaluate(config.make_model().with_memory_slots(9), task, (3,), 4, seed=1)
    assert small.sequences == again.sequences
    seen = []
    for model in (config.make_model(), config.make_model().with_memory_slots(9)):
        model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
        evaluate(model, task, (3,), 4, seed=1)
    assert len(seen) == 2
    assert seen[0].equal(seen[1])
    other = evaluate(config.make_model(), task, (3,), 4, seed=2)
    assert small.bits != other.bits
