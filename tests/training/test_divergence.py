"""A loss that is not a number stops the run, and what was good is kept."""

import math
import random

import pytest
import torch

from tapehead.cli import main
from tapehead.tasks import BitTask
from tapehead.training import step as training_step
from tapehead.training.checkpoints import last_checkpoint
from tapehead.training.errors import DivergedError
from tapehead.training.restore import finished_result
from tapehead.training.run_dir import METRICS, read_rows
from tapehead.training.step import Learner
from tests.command_line import TINY_FLAGS
from tests.training.tiny import resume, tiny_config, train

pytestmark = pytest.mark.reliability(7)

LAST = 55


def damage(monkeypatch, step: int, value: float) -> None:
    """Let a weight of the model be no finite number when this step begins."""
    whole = Learner.train_step

    def damaged(self: Learner, number: int) -> None:
        if number == step:
            next(self.model.parameters()).data.view(-1)[0] = value
        whole(self, number)

    monkeypatch.setattr(Learner, "train_step", damaged)


def poison(monkeypatch, step: int, value: float) -> None:
    """Let the cross-entropy of one step's batch be no finite number, though its gradient is finite."""
    whole, cross_entropy = Learner._metrics, BitTask.cross_entropy

    def poisoned(self, done):
        with pytest.MonkeyPatch.context() as patched:
            if done.step == step:
                patched.setattr(BitTask, "cross_entropy", lambda *arguments: cross_entropy(*arguments) * value)
            return whole(self, done)

    monkeypatch.setattr(Learner, "_metrics", poisoned)


def diverges(monkeypatch, path, step: int, value: float, spoil=poison) -> None:
    config = tiny_config(steps=LAST, eval_every=7)
    with monkeypatch.context() as patched:
        spoil(patched, step, value)
        with pytest.raises(DivergedError, match=rf"step {step}: the loss is .*; ") as caught:
            train(config, path)
    good = (step - 1) // 4 * 4
    assert str(caught.value).endswith(f"the last good checkpoint is of step {good}" if good else "no checkpoint yet")
    kept, problems = last_checkpoint(path / "checkpoints")
    assert problems == []
    assert (kept.step if kept else 0) == good
    if kept:
        assert all(bool(torch.isfinite(tensor).all()) for tensor in kept.tensors.values())


@pytest.mark.parametrize(("step", "value"), [(1, math.nan), (5, math.inf), (14, -math.inf)])
def test_a_loss_that_is_not_finite_stops_the_run_at_its_step(monkeypatch, tmp_path, step, value):
    diverges(monkeypatch, tmp_path, step, value)


@pytest.mark.parametrize("step", [1, 6, 14])
def test_a_weight_that_is_not_a_number_stops_the_run_at_its_step(monkeypatch, tmp_path, step):
    diverges(monkeypatch, tmp_path, step, math.nan, damage)


@pytest.mark.slow
def test_fifty_random_steps_at_which_the_loss_is_nan(monkeypatch, tmp_path, record_property):
    record_property("cases", 2 * 50)
    for step in random.Random(0).sample(range(1, LAST + 1), 50):
        diverges(monkeypatch, tmp_path / f"poison{step}", step, math.nan)
        diverges(monkeypatch, tmp_path / f"damage{step}", step, math.nan, damage)


def test_a_loss_that_is_not_finite_after_the_step_stops_the_run_if_the_curriculum_asks_for_it(monkeypatch):
    learner = Learner(tiny_config(curriculum="prediction_gain"))
    whole, calls = BitTask.cross_entropy, iter((1, math.nan))
    monkeypatch.setattr(BitTask, "cross_entropy", lambda *arguments: whole(*arguments) * next(calls))
    with pytest.raises(DivergedError, match="step 1: the loss after it is not finite"):
        learner.train_step(1)


def test_a_loss_that_is_not_finite_before_the_step_is_reported_as_such_if_the_curriculum_asks_for_it(monkeypatch):
    learner = Learner(tiny_config(curriculum="prediction_gain"))
    monkeypatch.setattr(learner.curriculum, "report_gains", None)
    monkeypatch.setattr(BitTask, "cross_entropy", lambda *arguments: torch.full((4,), math.nan))
    learner.train_step(1)
    with pytest.raises(DivergedError, match="step 1: the loss is nan"):
        list(learner.take_metrics())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_step_whose_gradient_is_not_finite_is_skipped(value):
    learner = Learner(tiny_config())
    learner.train_step(1)
    before = {name: tensor.clone() for name, tensor in learner.tensors().items()}
    overflow = next(learner.model.parameters()).register_hook(lambda gradient: gradient * value)
    learner.train_step(2)
    assert [math.isfinite(metrics.gradient_norm) for metrics in learner.take_metrics()] == [True, False]
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.tensors().items())
    overflow.remove()
    learner.train_step(3)
    assert not all(torch.equal(tensor, before[name]) for name, tensor in learner.tensors().items())


def overflow_at(monkeypatch, steps) -> None:
    """Let the gradients of these steps be infinite."""
    clip, numbers = training_step.clip_gradient, iter(range(1, 1_000_000))

    def overflowing(*arguments):
        return clip(*arguments) * (math.inf if next(numbers) in steps else 1)

    monkeypatch.setattr(training_step, "clip_gradient", overflowing)


def test_skipped_steps_are_counted(monkeypatch, tmp_path):
    overflow_at(monkeypatch, {2, 3, 11})
    train(tiny_config(steps=14, eval_every=7), tmp_path)
    rows = read_rows(tmp_path / METRICS)
    assert [row["skipped_steps"] for row in rows] == [2, 1]
    assert all(math.isfinite(row["max_gradient_norm"]) for row in rows)


def test_a_run_whose_gradients_stay_infinite_stops(monkeypatch, tmp_path):
    overflow_at(monkeypatch, range(3, 100))
    with pytest.raises(DivergedError, match="step 22: the gradients of 20 training steps in a row are not finite; "):
        train(tiny_config(steps=LAST, eval_every=7), tmp_path)


def test_a_run_whose_gradients_overflow_nineteen_times_in_a_row_goes_on(monkeypatch, tmp_path):
    overflow_at(monkeypatch, {*range(3, 22), *range(23, 42)})
    assert train(tiny_config(steps=LAST, eval_every=7), tmp_path).step == LAST


def test_weights_that_are_not_finite_are_never_saved(monkeypatch, tmp_path):
    monkeypatch.setattr(Learner, "is_finite", lambda self: False)
    with pytest.raises(DivergedError, match="step 4: a weight is not finite; there is no checkpoint yet"):
        train(tiny_config(), tmp_path)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_run_whose_cause_is_gone_can_go_on(monkeypatch, tmp_path):
    diverges(monkeypatch, tmp_path, 14, math.nan)
    assert resume(tmp_path).step == LAST
    assert finished_result(tmp_path) is not None


def test_on_the_command_line_it_is_one_line_and_a_status_that_is_not_0(monkeypatch, tmp_path, capsys):
    poison(monkeypatch, 3, math.nan)
    assert main(["train", "copy", "--out", str(tmp_path), *TINY_FLAGS]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("tapehead: step 3: the loss is nan")
    assert told.err.count("\n") == 1
