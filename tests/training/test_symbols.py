"""Tasks of symbols are trained, scored, given to curricula and evaluated as tasks of bits are, by symbol errors."""

import json
import math

import numpy as np
import pytest
import torch

from tapehead.maths.scores import symbol_bits
from tapehead.training.data import Purpose, draw_batch_of_size, make_generator
from tapehead.training.evaluation import evaluate
from tapehead.training.run_dir import METRICS, read_rows
from tapehead.training.signals import never_stop
from tapehead.training.step import Learner
from tests.command_line import TINY_MODEL_FLAGS, tapeheads
from tests.training.tiny import advance_curriculum, digests, resume, stop_after, tiny_config, train, undisturbed


def test_a_score_is_the_mean_over_sequences_of_symbols_as_numpy_counts_them():
    config = tiny_config(task="reverse")
    model, task = config.make_model(), config.make_task()
    batch = draw_batch_of_size(task, (3,), 10, make_generator(1, Purpose.GENERALIZATION, 3, 0))
    with torch.no_grad():
        logits = model(task.input_channels(batch))[0].double().numpy()
    targets, mask = batch.targets.numpy(), batch.mask.numpy()
    chances = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    right = np.take_along_axis(chances, targets[:, :, None], axis=2)[:, :, 0]
    cost = np.where(mask, -np.log2(right), 0).sum(axis=0)
    errors = ((logits.argmax(axis=2) != targets) & mask).sum(axis=0)
    found = evaluate(model, task, (3,), 10, seed=1)
    assert found.bits == pytest.approx(cost.mean(), rel=1e-6)
    assert found.bits_standard_error == pytest.approx(cost.std(ddof=1) / math.sqrt(10), rel=1e-4)
    assert found.errors == errors.mean()
    assert 0 < found.errors < 3
    assert found.errors_standard_error == pytest.approx(errors.std(ddof=1) / math.sqrt(10))
    assert found.accuracy == pytest.approx(1 - errors.sum() / 30)
    assert found.sequence_accuracy == (errors == 0).mean()
    assert found.bits_per_target == pytest.approx(cost.sum() / 30, rel=1e-6)
    assert (found.optimal_bits, found.gap_bits) == (None, None)
    assert found.distance() == found.errors


def test_accuracy_of_bits_is_per_bit_and_per_sequence():
    config = tiny_config(max_length=1, bits=2)
    model, task = config.make_model(), config.make_task()
    batch = draw_batch_of_size(task, (1,), 40, make_generator(1, Purpose.GENERALIZATION, 1, 0))
    with torch.no_grad():
        outputs = model(batch.inputs)[0].numpy()
    wrong = ((outputs > 0) != (batch.targets.numpy() > 0.5)) & batch.mask.numpy()[:, :, None]
    found = evaluate(model, task, (1,), 40, seed=1)
    assert found.accuracy == pytest.approx(1 - wrong.sum() / 80)
    assert found.sequence_accuracy == pytest.approx((wrong.sum(axis=(0, 2)) == 0).mean())
    assert 0 < found.sequence_accuracy < 1


@pytest.mark.parametrize("loss_reduction", ["mean", "batchmean"])
def test_a_step_follows_the_gradient_of_the_cross_entropy_that_torch_has(loss_reduction):
    learner = Learner(tiny_config("lstm", task="reverse", loss_reduction=loss_reduction, max_grad_norm=None))
    _, batch = learner._take_batch(1)
    outputs, _ = learner.model(learner.task.input_channels(batch), lengths=batch.lengths)
    nats = torch.nn.functional.cross_entropy(outputs[batch.mask], batch.targets[batch.mask], reduction="sum")
    reported = nats / (batch.mask.sum() if loss_reduction == "mean" else learner.config.batch_size)
    gradients = torch.autograd.grad(reported, list(learner.model.parameters()))
    expected = torch.cat([gradient.flatten() for gradient in gradients])
    learner.train_step(1)
    (metrics,) = learner.take_metrics()
    assert metrics.loss == pytest.approx(reported.item(), rel=1e-5)
    assert metrics.bits == pytest.approx(nats.item() / math.log(2) / learner.config.batch_size, rel=1e-5)
    torch.testing.assert_close(learner.weights.grad, expected, rtol=1e-4, atol=1e-7)


def test_an_lstm_learns_to_reverse_short_strings(tmp_path):
    """By chance 2 of 3 symbols are wrong, at 3 log2(3) = 4.75 bits."""
    config = tiny_config(
        "lstm", task="reverse", hidden_size=32, num_layers=1, batch_size=32, lr=1e-2, steps=300, eval_every=300
    )
    result = train(config, tmp_path, checkpoint_every=300)
    assert result.errors < 1
    assert result.bits < 3
    (row,) = read_rows(tmp_path / METRICS)
    assert row["eval_accuracy"] == pytest.approx(1 - result.errors / 3)
    assert row["eval_optimal_bits"] is None


def test_naive_waits_until_few_symbols_are_wrong():
    learner = Learner(tiny_config(task="reverse", curriculum="naive", max_length=4))
    errors = learner._score((1,), Purpose.CURRICULUM, 5, never_stop).errors
    learner.curriculum.threshold = errors
    advance_curriculum(learner, 5)
    assert learner.curriculum.current == (1,)
    learner.curriculum.threshold = errors + 1e-6
    advance_curriculum(learner, 5)
    assert learner.curriculum.current == (2,)


def test_prediction_gain_is_told_the_gain_in_bits_of_the_symbols(monkeypatch):
    learner = Learner(tiny_config(task="reverse", curriculum="prediction_gain", lr=0.1, warmup_steps=0))
    _, batch = learner._take_batch(1)
    learner._ahead.clear()

    def costs():
        with torch.no_grad():
            outputs, _ = learner.model(learner.task.input_channels(batch), lengths=batch.lengths)
            return symbol_bits(outputs, batch.targets, batch.mask)

    reported, before = [], costs()
    monkeypatch.setattr(learner.curriculum, "report_gains", lambda *given: reported.append(given))
    learner.train_step(1)
    assert reported[0][1] == pytest.approx(((before - costs()) / batch.lengths).numpy(), rel=1e-4)


def test_a_run_on_symbols_goes_on_bit_by_bit(tmp_path):
    config = tiny_config(task="reverse", curriculum="naive", threshold=100.0)
    expected = undisturbed(config, tmp_path / "undisturbed")
    with pytest.raises(Exception, match="stopped by SIGTERM after step"):
        train(config, tmp_path / "stopped", should_stop=stop_after(7))
    resume(tmp_path / "stopped")
    assert digests(tmp_path / "stopped") == expected


def test_the_command_line_speaks_of_symbol_errors(tmp_path):
    run = tmp_path / "run"
    said = tapeheads(
        [
            ["train", "reverse", "--alphabet", "3", "--max-length", "3", "--out", run, *TINY_MODEL_FLAGS],
            ["evaluate", run, "--sequences", "9"],
            ["evaluate", run, "--sizes", "2", "5", "--sequences", "9", "--json"],
        ]
    )
    assert [command.status for command in said] == [0, 0, 0], said
    assert "symbol errors per sequence at the last evaluation" in said[0].out
    assert " symbol errors" in said[0].err
    for word in ("symbol errors per sequence", "accuracy", "whole sequences right"):
        assert word in said[1].out
    for score in json.loads(said[2].out)["scores"]:
        assert score["accuracy"] == pytest.approx(1 - score["errors"] / score["length"])
        assert score["bits_per_target"] == pytest.approx(score["bits"] / score["length"])
