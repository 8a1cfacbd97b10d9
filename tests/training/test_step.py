"""One training step: its loss, what it measures, and what it does to the weights."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tapehead.maths.scores import bits
from tapehead.models import MODELS
from tapehead.tasks import Batch, Copy
from tapehead.training.curricula.prediction_gain import PredictionGain
from tapehead.training.data import Purpose, draw_training_batch
from tapehead.training.evaluation import score
from tapehead.training.signals import never_stop
from tapehead.training.step import Learner, StepMetrics
from tests.training.tiny import advance_curriculum, tiny_config


def metrics_of(learner: Learner, step: int) -> StepMetrics:
    """What one training step measured."""
    learner.train_step(step)
    (metrics,) = learner.take_metrics()
    return metrics


@torch.no_grad()
def cross_entropies(learner: Learner, step: int) -> torch.Tensor:
    """The cross-entropy in nats of every scored bit, in one long row."""
    _, batch = draw_training_batch(learner.config, learner.task, learner.curriculum, step)
    outputs, _ = learner.model(batch.inputs, lengths=batch.lengths)
    return binary_cross_entropy_with_logits(outputs[batch.mask], batch.targets[batch.mask], reduction="none")


@torch.no_grad()
def batch_bits(learner: Learner, batch: Batch) -> torch.Tensor:
    """The cross-entropy in bits of each sequence."""
    outputs, _ = learner.model(batch.inputs, lengths=batch.lengths)
    return bits(outputs, batch.targets, batch.mask)


def test_the_mean_loss_is_the_mean_over_scored_bits():
    learner = Learner(tiny_config(loss_reduction="mean"))
    expected = float(cross_entropies(learner, 1).mean())
    assert metrics_of(learner, 1).loss == pytest.approx(expected, rel=1e-5)


def test_the_summed_loss_is_the_sum_over_a_sequence_averaged_over_sequences():
    learner = Learner(tiny_config(loss_reduction="batchmean"))
    expected = float(cross_entropies(learner, 1).sum()) / learner.config.batch_size
    assert metrics_of(learner, 1).loss == pytest.approx(expected, rel=1e-5)


def test_bits_and_errors_are_per_sequence():
    learner = Learner(tiny_config(loss_reduction="batchmean"))
    metrics = metrics_of(learner, 1)
    assert metrics.bits == pytest.approx(metrics.loss / 0.6931472, rel=1e-5)
    assert 0 <= metrics.errors <= 3 * 8


def test_padding_does_not_count():
    learner = Learner(tiny_config(max_length=20, batch_size=8))
    _, batch = draw_training_batch(learner.config, learner.task, learner.curriculum, 1)
    with torch.no_grad():
        alone = [learner.model(batch.inputs[:length, [b]])[0] for b, length in enumerate(batch.lengths.tolist())]
    nats = [
        binary_cross_entropy_with_logits(
            output[:, 0][batch.mask[: len(output), b]],
            batch.targets[: len(output), b][batch.mask[: len(output), b]],
            reduction="sum",
        )
        for b, output in enumerate(alone)
    ]
    expected = float(sum(nats)) / (int(batch.mask.sum()) * 8)
    assert metrics_of(learner, 1).loss == pytest.approx(expected, rel=1e-5)


def test_prediction_gain_is_told_by_how_many_bits_a_step_the_batch_is_predicted_better(monkeypatch):
    learner = Learner(tiny_config(curriculum="prediction_gain", lr=0.1, warmup_steps=0))
    sizes, batch = draw_training_batch(learner.config, learner.task, learner.curriculum, 1)
    reported = []
    monkeypatch.setattr(learner.curriculum, "report_gains", lambda *given: reported.append(given))
    before = batch_bits(learner, batch)
    learner.train_step(1)
    assert np.array_equal(reported[0][0], sizes)
    assert reported[0][1] == pytest.approx(((before - batch_bits(learner, batch)) / batch.lengths).numpy(), rel=1e-5)
    assert reported[0][1].sum() > 0


def test_finding_out_what_was_gained_does_not_change_the_step(monkeypatch):
    told, untold = (
        Learner(tiny_config(curriculum="prediction_gain")),
        Learner(tiny_config(curriculum="prediction_gain")),
    )
    metrics = metrics_of(told, 1)
    monkeypatch.setattr(PredictionGain, "needs_gains", False)
    assert metrics_of(untold, 1) == metrics
    assert all(torch.equal(tensor, untold.tensors()[name]) for name, tensor in told.tensors().items())


def test_a_curriculum_moves_on_when_its_size_is_solved():
    learner = Learner(tiny_config(curriculum="naive"))
    advance_curriculum(learner, 5)
    assert learner.curriculum.current == (1,)
    learner.curriculum.threshold = 100.0
    for size in (2, 3, 3):
        advance_curriculum(learner, 5)
        assert learner.curriculum.current == (size,)


def test_where_no_prediction_is_certain_a_size_is_solved_near_the_best_possible():
    learner = Learner(tiny_config(task="ngrams", curriculum="naive", min_length=1, max_length=4))
    sequences, seed = learner.config.eval_sequences, learner.config.seed
    gap = score(learner.model, learner.task, (1,), sequences, seed, Purpose.CURRICULUM, 5).gap_bits
    learner.curriculum.threshold = gap
    advance_curriculum(learner, 5)
    assert learner.curriculum.current == (1,)
    learner.curriculum.threshold = gap + 1e-6
    advance_curriculum(learner, 5)
    assert learner.curriculum.current == (2,)


class Misnamed(Copy):
    """A task that can be given any names for its sizes."""

    names: Any = ("length",)

    @property
    def size_names(self):
        return self.names


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("bits",), "identifiers that records use for nothing else, not 'bits'"),
        (("memory_slots",), "identifiers that records use for nothing else, not 'memory_slots'"),
        (("errors",), "identifiers that records use for nothing else, not 'errors'"),
        (("step",), "identifiers that records use for nothing else, not 'step'"),
        (("$_$",), "identifiers that records use for nothing else, not "),
        (("",), "identifiers that records use for nothing else, not ''"),
        (("length", "width"), "size_names: expected one for each of the 1 numbers of max_size, not "),
        ("length", "a tuple of strings, not 'length'"),
    ],
)
def test_sizes_have_names_of_their_own(names, message, monkeypatch):
    monkeypatch.setattr(Misnamed, "names", names)
    with pytest.raises((TypeError, ValueError), match=message):
        Learner(tiny_config(task=f"{__name__}:Misnamed"))


def test_a_learner_put_where_another_stands_learns_on_alike():
    first, second = Learner(tiny_config()), Learner(tiny_config(seed=1))
    for step in (1, 2, 3):
        metrics_of(first, step)
    second.load_tensors({name: tensor.clone() for name, tensor in first.tensors().items()})
    assert metrics_of(first, 4) == metrics_of(second, 4)
    assert all(torch.equal(tensor, second.tensors()[name]) for name, tensor in first.tensors().items())


def test_metrics_of_many_steps_are_those_of_each():
    one_by_one, together = Learner(tiny_config()), Learner(tiny_config())
    each = [metrics_of(one_by_one, step) for step in range(1, 6)]
    for step in range(1, 6):
        together.train_step(step)
    assert list(together.take_metrics()) == each
    assert list(together.take_metrics()) == []


def test_the_models_parameters_are_views_of_the_learners_weights():
    learner = Learner(tiny_config())
    before = learner.weights.detach().clone()
    learner.train_step(1)
    expected = torch.cat([parameter.detach().flatten() for parameter in learner.model.parameters()])
    assert torch.equal(learner.weights, expected)
    assert not torch.equal(learner.weights, before)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loss", ["mean", "batchmean"])
def test_an_step_follows_the_gradient_of_the_loss_that_it_reports(model, loss):
    learner = Learner(tiny_config(model, loss_reduction=loss, max_grad_norm=None, min_memory_slots=None))
    _, batch = draw_training_batch(learner.config, learner.task, learner.curriculum, 1)
    outputs, _ = learner.model(batch.inputs, lengths=batch.lengths)
    nats = binary_cross_entropy_with_logits(outputs, batch.targets, reduction="none")[batch.mask]
    reported = nats.mean() if loss == "mean" else nats.sum() / learner.config.batch_size
    gradients = torch.autograd.grad(reported, list(learner.model.parameters()))
    expected = torch.cat([gradient.flatten() for gradient in gradients])
    assert metrics_of(learner, 1).gradient_norm == pytest.approx(float(expected.norm()), rel=1e-5)
    torch.testing.assert_close(learner.weights.grad, expected, rtol=1e-4, atol=1e-7)


def test_the_state_of_an_optimizer_of_other_weights_is_refused():
    learner = Learner(tiny_config())
    learner.train_step(1)
    tensors = learner.tensors() | {"optimizer.exp_avg": torch.zeros(5)}
    with pytest.raises(RuntimeError, match=r"optimizer\.exp_avg: expected a number or shape \(\d+,\), not \(5,\)"):
        learner.load_tensors(tensors)


def test_the_data_that_a_run_is_evaluated_on_is_fresh_each_time():
    learner = Learner(tiny_config())
    assert learner.evaluate(1, never_stop) == learner.evaluate(1, never_stop)
    assert learner.evaluate(1, never_stop) != learner.evaluate(2, never_stop)


def test_a_curriculum_that_moves_on_decides_the_next_step() -> None:
    learner = Learner(tiny_config(curriculum="naive", max_length=9))
    learner.train_step(1)  # batches of the steps after it may be drawn by now
    learner.curriculum.threshold = 1e9
    before = draw_training_batch(learner.config, learner.task, learner.curriculum, 2)[0]
    advance_curriculum(learner, 1)
    sizes, batch = learner._take_batch(2)
    expected_sizes, expected = draw_training_batch(learner.config, learner.task, learner.curriculum, 2)
    assert not np.array_equal(sizes, before)
    assert np.array_equal(sizes, expected_sizes)
    assert torch.equal(batch.inputs, expected.inputs)


def test_batches_drawn_ahead_are_those_of_their_steps() -> None:
    learner = Learner(tiny_config())
    for step in (*range(1, 40), 7, 3, 100, 101):
        assert torch.equal(
            learner._take_batch(step)[1].inputs,
            draw_training_batch(learner.config, learner.task, learner.curriculum, step)[1].inputs,
        )
