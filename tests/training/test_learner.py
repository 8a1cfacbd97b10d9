"""One update: its loss, what it measures, and what it does to the weights."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tapehead.training.data import training_batch
from tapehead.training.learner import Learner
from tests.training.tiny import tiny_run


@torch.no_grad()
def cross_entropies(learner: Learner, update: int) -> torch.Tensor:
    """The cross-entropy in nats of every scored bit, in one long row."""
    batch = training_batch(learner.run, learner.task, update)
    outputs, _ = learner.model(batch.inputs, lengths=batch.lengths)
    return binary_cross_entropy_with_logits(outputs[batch.scored], batch.targets[batch.scored], reduction="none")


def test_the_mean_loss_is_the_mean_over_scored_bits():
    learner = Learner(tiny_run(loss="mean"))
    expected = float(cross_entropies(learner, 1).mean())
    assert learner.learn(1).loss == pytest.approx(expected, rel=1e-5)


def test_the_summed_loss_is_the_sum_over_a_sequence_averaged_over_sequences():
    learner = Learner(tiny_run(loss="sum_per_sequence"))
    expected = float(cross_entropies(learner, 1).sum()) / learner.run.batch_size
    assert learner.learn(1).loss == pytest.approx(expected, rel=1e-5)


def test_bits_and_bit_errors_are_per_sequence():
    learner = Learner(tiny_run(loss="sum_per_sequence"))
    lesson = learner.learn(1)
    assert lesson.bits == pytest.approx(lesson.loss / 0.6931472, rel=1e-5)
    assert 0 <= lesson.bit_errors <= 3 * 8


def test_padding_does_not_count():
    learner = Learner(tiny_run(max_length=20, batch_size=8))
    batch = training_batch(learner.run, learner.task, 1)
    with torch.no_grad():
        alone = [learner.model(batch.inputs[:length, [b]])[0] for b, length in enumerate(batch.lengths.tolist())]
    nats = [
        binary_cross_entropy_with_logits(
            output[:, 0][batch.scored[: len(output), b]],
            batch.targets[: len(output), b][batch.scored[: len(output), b]],
            reduction="sum",
        )
        for b, output in enumerate(alone)
    ]
    expected = float(sum(nats)) / (int(batch.scored.sum()) * 8)
    assert learner.learn(1).loss == pytest.approx(expected, rel=1e-5)


def test_a_learner_put_where_another_stands_learns_on_alike():
    first, second = Learner(tiny_run()), Learner(tiny_run(seed=1))
    for update in (1, 2, 3):
        first.learn(update)
    second.load_tensors({name: tensor.clone() for name, tensor in first.tensors().items()})
    assert first.learn(4) == second.learn(4)
    assert all(torch.equal(tensor, second.tensors()[name]) for name, tensor in first.tensors().items())


def test_the_data_that_a_run_is_evaluated_on_is_fresh_each_time():
    learner = Learner(tiny_run())
    assert learner.evaluate(1) == learner.evaluate(1)
    assert learner.evaluate(1) != learner.evaluate(2)
