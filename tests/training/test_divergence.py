"""A loss that is not a number stops the run, and what was good is kept."""

import math
import random

import pytest
import torch

from tapehead.cli import main
from tapehead.training import learner, loop
from tapehead.training.checkpoints import last_checkpoint
from tapehead.training.errors import DivergedError
from tapehead.training.folder import METRICS, read_rows
from tests.command_line import TINY_FLAGS
from tests.training.tiny import resume, tiny_run, train

LAST = 55


def damage(monkeypatch, update: int, value: float) -> None:
    """Let a weight of the model be no finite number when this update begins."""
    whole = learner.Learner.learn

    def damaged(self: learner.Learner, number: int) -> None:
        if number == update:
            next(self.model.parameters()).data.view(-1)[0] = value
        whole(self, number)

    monkeypatch.setattr(learner.Learner, "learn", damaged)


def poison(monkeypatch, update: int, value: float) -> None:
    """Let the cross-entropy of one update's batch be no finite number, though its gradient is finite."""
    whole, updates = learner.bits, iter(range(1, 1_000_000))

    def poisoned(*arguments):
        measured = whole(*arguments)
        return measured * value if next(updates) == update else measured

    monkeypatch.setattr(learner, "bits", poisoned)


def diverges(monkeypatch, path, update: int, value: float, spoil=poison) -> None:
    run = tiny_run(updates=LAST, evaluate_every=7)
    with monkeypatch.context() as patched:
        spoil(patched, update, value)
        with pytest.raises(DivergedError, match=rf"update {update}: loss .*; ") as caught:
            train(run, path)
    good = (update - 1) // 4 * 4
    assert str(caught.value).endswith(f"the last good checkpoint is of update {good}" if good else "no checkpoint yet")
    kept, problems = last_checkpoint(path / "checkpoints")
    assert problems == []
    assert (kept.update if kept else 0) == good
    if kept:
        assert all(bool(torch.isfinite(tensor).all()) for tensor in kept.tensors.values())


@pytest.mark.parametrize(("update", "value"), [(1, math.nan), (5, math.inf), (14, -math.inf)])
def test_a_loss_that_is_not_finite_stops_the_run_at_its_update(monkeypatch, tmp_path, update, value):
    diverges(monkeypatch, tmp_path, update, value)


@pytest.mark.parametrize("update", [1, 6, 14])
def test_a_weight_that_is_not_a_number_stops_the_run_at_its_update(monkeypatch, tmp_path, update):
    diverges(monkeypatch, tmp_path, update, math.nan, damage)


@pytest.mark.slow
def test_fifty_random_updates_at_which_the_loss_is_nan(monkeypatch, tmp_path):
    for update in random.Random(0).sample(range(1, LAST + 1), 50):
        diverges(monkeypatch, tmp_path / f"poison{update}", update, math.nan)
        diverges(monkeypatch, tmp_path / f"damage{update}", update, math.nan, damage)


def test_a_loss_that_is_not_finite_after_the_update_stops_the_run_if_the_curriculum_asks_for_it(monkeypatch):
    pupil = learner.Learner(tiny_run(curriculum="prediction_gain"))
    poison(monkeypatch, 2, math.nan)
    with pytest.raises(DivergedError, match="update 1: the loss after it is not finite"):
        pupil.learn(1)


def test_a_loss_that_is_not_finite_before_the_update_is_told_as_such_if_the_curriculum_asks_for_it(monkeypatch):
    pupil = learner.Learner(tiny_run(curriculum="prediction_gain"))
    monkeypatch.setattr(pupil.curriculum, "hear_gains", None)
    monkeypatch.setattr(learner, "bits", lambda *arguments: torch.full((4,), math.nan))
    pupil.learn(1)
    with pytest.raises(DivergedError, match="update 1: loss nan"):
        list(pupil.lessons())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_update_whose_gradient_is_not_finite_is_skipped(value):
    pupil = learner.Learner(tiny_run())
    pupil.learn(1)
    before = {name: tensor.clone() for name, tensor in pupil.tensors().items()}
    overflow = next(pupil.model.parameters()).register_hook(lambda gradient: gradient * value)
    pupil.learn(2)
    assert [math.isfinite(lesson.gradient_norm) for lesson in pupil.lessons()] == [True, False]
    assert all(torch.equal(tensor, before[name]) for name, tensor in pupil.tensors().items())
    overflow.remove()
    pupil.learn(3)
    assert not all(torch.equal(tensor, before[name]) for name, tensor in pupil.tensors().items())


def overflow_at(monkeypatch, updates) -> None:
    """Let the gradients of these updates be infinite."""
    clip, numbers = learner.clip_gradient, iter(range(1, 1_000_000))

    def overflowing(*arguments):
        return clip(*arguments) * (math.inf if next(numbers) in updates else 1)

    monkeypatch.setattr(learner, "clip_gradient", overflowing)


def test_skipped_updates_are_counted(monkeypatch, tmp_path):
    overflow_at(monkeypatch, {2, 3, 11})
    train(tiny_run(updates=14, evaluate_every=7), tmp_path)
    rows = read_rows(tmp_path / METRICS)
    assert [row["skipped_updates"] for row in rows] == [2, 1]
    assert all(math.isfinite(row["largest_gradient_norm"]) for row in rows)


def test_a_run_whose_gradients_stay_infinite_stops(monkeypatch, tmp_path):
    overflow_at(monkeypatch, range(3, 100))
    with pytest.raises(DivergedError, match="update 22: its gradient is not finite, nor are those of the 19 updates"):
        train(tiny_run(updates=LAST, evaluate_every=7), tmp_path)


def test_a_run_whose_gradients_overflow_nineteen_times_in_a_row_goes_on(monkeypatch, tmp_path):
    overflow_at(monkeypatch, {*range(3, 22), *range(23, 42)})
    assert train(tiny_run(updates=LAST, evaluate_every=7), tmp_path).update == LAST


def test_weights_that_are_not_finite_are_never_saved(monkeypatch, tmp_path):
    monkeypatch.setattr(learner.Learner, "is_finite", lambda self: False)
    with pytest.raises(DivergedError, match="update 4: a weight is not finite; there is no checkpoint yet"):
        train(tiny_run(), tmp_path)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_run_whose_cause_is_gone_can_go_on(monkeypatch, tmp_path):
    diverges(monkeypatch, tmp_path, 14, math.nan)
    assert resume(tmp_path).update == LAST
    assert loop.finished_result(tmp_path) is not None


def test_on_the_command_line_it_is_one_line_and_a_status_that_is_not_0(monkeypatch, tmp_path, capsys):
    poison(monkeypatch, 3, math.nan)
    assert main(["train", "copy", "--out", str(tmp_path), *TINY_FLAGS]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("tapehead: update 3: loss nan")
    assert told.err.count("\n") == 1
