"""One update: its loss, what it measures, and what it does to the weights."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tapehead.maths.scores import bits
from tapehead.models import MODELS
from tapehead.tasks import Batch, Copy
from tapehead.training.curricula import growing
from tapehead.training.curricula.prediction_gain import PredictionGain
from tapehead.training.data import Purpose, training_batch
from tapehead.training.generalise import score
from tapehead.training.learner import Learner, Lesson
from tests.training.tiny import tiny_run


def lesson(learner: Learner, update: int) -> Lesson:
    """What one update measured."""
    learner.learn(update)
    (drawn,) = learner.lessons()
    return drawn


@torch.no_grad()
def cross_entropies(learner: Learner, update: int) -> torch.Tensor:
    """The cross-entropy in nats of every scored bit, in one long row."""
    _, batch = training_batch(learner.run, learner.task, learner.curriculum, update)
    outputs, _ = learner.model(batch.inputs, lengths=batch.lengths)
    return binary_cross_entropy_with_logits(outputs[batch.scored], batch.targets[batch.scored], reduction="none")


@torch.no_grad()
def batch_bits(learner: Learner, batch: Batch) -> torch.Tensor:
    """The cross-entropy in bits of each sequence."""
    outputs, _ = learner.model(batch.inputs, lengths=batch.lengths)
    return bits(outputs, batch.targets, batch.scored)


def test_the_mean_loss_is_the_mean_over_scored_bits():
    learner = Learner(tiny_run(loss="mean"))
    expected = float(cross_entropies(learner, 1).mean())
    assert lesson(learner, 1).loss == pytest.approx(expected, rel=1e-5)


def test_the_summed_loss_is_the_sum_over_a_sequence_averaged_over_sequences():
    learner = Learner(tiny_run(loss="sum_per_sequence"))
    expected = float(cross_entropies(learner, 1).sum()) / learner.run.batch_size
    assert lesson(learner, 1).loss == pytest.approx(expected, rel=1e-5)


def test_bits_and_bit_errors_are_per_sequence():
    learner = Learner(tiny_run(loss="sum_per_sequence"))
    drawn = lesson(learner, 1)
    assert drawn.bits == pytest.approx(drawn.loss / 0.6931472, rel=1e-5)
    assert 0 <= drawn.bit_errors <= 3 * 8


def test_padding_does_not_count():
    learner = Learner(tiny_run(max_length=20, batch_size=8))
    _, batch = training_batch(learner.run, learner.task, learner.curriculum, 1)
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
    assert lesson(learner, 1).loss == pytest.approx(expected, rel=1e-5)


def test_prediction_gain_hears_by_how_many_bits_a_step_the_batch_is_predicted_better(monkeypatch):
    learner = Learner(tiny_run(curriculum="prediction_gain", learning_rate=0.1, warmup_updates=0))
    sizes, batch = training_batch(learner.run, learner.task, learner.curriculum, 1)
    heard = []
    monkeypatch.setattr(learner.curriculum, "hear_gains", lambda *told: heard.append(told))
    before = batch_bits(learner, batch)
    learner.learn(1)
    assert np.array_equal(heard[0][0], sizes)
    assert heard[0][1] == pytest.approx(((before - batch_bits(learner, batch)) / batch.lengths).numpy(), rel=1e-5)
    assert heard[0][1].sum() > 0


def test_finding_out_what_was_gained_does_not_change_the_update(monkeypatch):
    told, untold = Learner(tiny_run(curriculum="prediction_gain")), Learner(tiny_run(curriculum="prediction_gain"))
    drawn = lesson(told, 1)
    monkeypatch.setattr(PredictionGain, "wants_gains", False)
    assert lesson(untold, 1) == drawn
    assert all(torch.equal(tensor, untold.tensors()[name]) for name, tensor in told.tensors().items())


def test_a_curriculum_moves_on_when_its_point_is_solved(monkeypatch):
    learner = Learner(tiny_run(curriculum="naive"))
    learner.advance(5)
    assert learner.curriculum.point == (1,)
    monkeypatch.setattr(growing, "SOLVED_BELOW", 100.0)
    for point in (2, 3, 3):
        learner.advance(5)
        assert learner.curriculum.point == (point,)


def test_where_no_answer_is_certain_a_point_is_solved_near_the_best_possible(monkeypatch):
    learner = Learner(tiny_run(task="ngrams", curriculum="naive", min_steps=1, max_steps=4))
    sequences, seed = learner.run.evaluation_sequences, learner.run.seed
    gap = score(learner.model, learner.task, (1,), sequences, seed, Purpose.CURRICULUM, 5).gap_bits
    monkeypatch.setattr(growing, "SOLVED_BELOW", gap)
    learner.advance(5)
    assert learner.curriculum.point == (1,)
    monkeypatch.setattr(growing, "SOLVED_BELOW", gap + 1e-6)
    learner.advance(5)
    assert learner.curriculum.point == (2,)


class Misnamed(Copy):
    """A task that can be given any names for its sizes."""

    names: Any = ("length",)

    @property
    def size_names(self):
        return self.names


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("bits",), "words that records use for nothing else, not 'bits'"),
        (("update",), "words that records use for nothing else, not 'update'"),
        (("$_$",), "words that records use for nothing else, not "),
        (("",), "words that records use for nothing else, not ''"),
        (("length", "width"), "as many size_names as numbers in `largest`, 1, not "),
        ("length", "a tuple of words, not 'length'"),
    ],
)
def test_sizes_have_names_of_their_own(names, message, monkeypatch):
    monkeypatch.setattr(Misnamed, "names", names)
    with pytest.raises((TypeError, ValueError), match=message):
        Learner(tiny_run(task=f"{__name__}:Misnamed"))


def test_a_learner_put_where_another_stands_learns_on_alike():
    first, second = Learner(tiny_run()), Learner(tiny_run(seed=1))
    for update in (1, 2, 3):
        lesson(first, update)
    second.load_tensors({name: tensor.clone() for name, tensor in first.tensors().items()})
    assert lesson(first, 4) == lesson(second, 4)
    assert all(torch.equal(tensor, second.tensors()[name]) for name, tensor in first.tensors().items())


def test_lessons_of_many_updates_are_those_of_each():
    one_by_one, together = Learner(tiny_run()), Learner(tiny_run())
    drawn = [lesson(one_by_one, update) for update in range(1, 6)]
    for update in range(1, 6):
        together.learn(update)
    assert list(together.lessons()) == drawn
    assert list(together.lessons()) == []


def test_the_models_parameters_are_views_of_the_learners_weights():
    learner = Learner(tiny_run())
    before = learner.weights.detach().clone()
    learner.learn(1)
    expected = torch.cat([parameter.detach().flatten() for parameter in learner.model.parameters()])
    assert torch.equal(learner.weights, expected)
    assert not torch.equal(learner.weights, before)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loss", ["mean", "sum_per_sequence"])
def test_an_update_follows_the_gradient_of_the_loss_that_it_reports(model, loss):
    learner = Learner(tiny_run(model, loss=loss, gradient_clip="none"))
    _, batch = training_batch(learner.run, learner.task, learner.curriculum, 1)
    outputs, _ = learner.model(batch.inputs, lengths=batch.lengths)
    nats = binary_cross_entropy_with_logits(outputs, batch.targets, reduction="none")[batch.scored]
    reported = nats.mean() if loss == "mean" else nats.sum() / learner.run.batch_size
    gradients = torch.autograd.grad(reported, list(learner.model.parameters()))
    expected = torch.cat([gradient.flatten() for gradient in gradients])
    assert lesson(learner, 1).gradient_norm == pytest.approx(float(expected.norm()), rel=1e-5)
    torch.testing.assert_close(learner.weights.grad, expected, rtol=1e-4, atol=1e-7)


def test_what_an_optimiser_of_other_weights_remembers_is_refused():
    learner = Learner(tiny_run())
    learner.learn(1)
    tensors = learner.tensors() | {"optimiser.exp_avg": torch.zeros(5)}
    with pytest.raises(RuntimeError, match=r"optimiser\.exp_avg: expected a number or shape \(\d+,\), not \(5,\)"):
        learner.load_tensors(tensors)


def test_the_data_that_a_run_is_evaluated_on_is_fresh_each_time():
    learner = Learner(tiny_run())
    assert learner.evaluate(1) == learner.evaluate(1)
    assert learner.evaluate(1) != learner.evaluate(2)


def test_a_curriculum_that_moves_on_is_heard_with_the_next_update(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = Learner(tiny_run(curriculum="naive", max_length=9))
    learner.learn(1)  # batches of the updates after it may be drawn by now
    monkeypatch.setattr(growing, "SOLVED_BELOW", 1e9)
    before = training_batch(learner.run, learner.task, learner.curriculum, 2)[0]
    learner.advance(1)
    sizes, batch = learner._batch(2)
    expected_sizes, expected = training_batch(learner.run, learner.task, learner.curriculum, 2)
    assert not np.array_equal(sizes, before)
    assert np.array_equal(sizes, expected_sizes)
    assert torch.equal(batch.inputs, expected.inputs)


def test_batches_drawn_ahead_are_those_of_their_updates() -> None:
    learner = Learner(tiny_run())
    for update in (*range(1, 40), 7, 3, 100, 101):
        assert torch.equal(
            learner._batch(update)[1].inputs,
            training_batch(learner.run, learner.task, learner.curriculum, update)[1].inputs,
        )
