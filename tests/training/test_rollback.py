"""Training that has lost what was learned goes back to its best evaluation."""

import json
import math
import re
from pathlib import Path

import pytest
import torch

import tapehead
from tapehead.training.errors import StoppedError
from tapehead.training.evaluation import Score
from tapehead.training.rollback import Rollback
from tapehead.training.run_dir import METRICS, WEIGHTS
from tapehead.training.signals import never_stop
from tapehead.training.step import Learner
from tests.training.tiny import digests, resume, stop_after, tiny_config, train


def weights(number: float) -> dict[str, torch.Tensor]:
    return {"weights": torch.full((3,), number)}


def batch(wrong: float, sequences: int = 100) -> torch.Tensor:
    """The errors of a batch of which this share is wrong."""
    return (torch.arange(sequences) < round(wrong * sequences)).float()


def returns_of(rollback: Rollback, *reports: float) -> list[float | None]:
    """What each report leads to: the number of the weights that training goes back to, from 0."""
    found = (rollback.report_evaluation(errors, errors < 0.1, errors, weights(n)) for n, errors in enumerate(reports))
    return [float(rollback.kept["weights"][0]) if goes_back else None for goes_back in found]


def test_it_goes_back_after_as_many_evaluations_in_a_row_that_are_far_worse() -> None:
    rollback = Rollback(3)
    assert returns_of(rollback, 90.0, 2.0, 20.0, 20.0, 20.0) == [None] * 5  # ten times 2 is not far worse yet
    assert rollback.learning_rate_factor == 1.0
    assert returns_of(rollback, 20.1, 20.1, 20.1) == [None, None, 1.0]
    assert rollback.learning_rate_factor == 0.5
    assert returns_of(rollback, 20.1, 20.1, 20.0, 20.1, 20.1, 20.1) == [None] * 5 + [1.0]
    assert rollback.learning_rate_factor == 0.25


def test_a_few_wrong_sequences_after_none_are_not_far_worse() -> None:
    """One wrong sequence in 320 of repeat copy is one error in the mean, where 400 are chance."""
    rollback = Rollback(1)
    assert returns_of(rollback, 400.0, 0.0, 3.6, 40.0) == [None] * 4
    assert returns_of(rollback, 40.1) == [1.0]


def test_without_patience_it_never_goes_back() -> None:
    rollback = Rollback(None)
    assert returns_of(rollback, 0.0, *[100.0] * 50) == [None] * 51
    assert rollback.learning_rate_factor == 1.0
    assert rollback.tensors() == {}


def test_of_the_evaluations_that_solve_the_task_it_goes_back_to_the_latest() -> None:
    assert returns_of(Rollback(1), 80.0, 0.0, 0.09, 0.1, 50.0) == [None, None, None, None, 2.0]


def test_less_than_the_best_possible_counts_as_no_error() -> None:
    """The gap to the best possible predictions may be below 0 on a few sequences."""
    assert returns_of(Rollback(1), 10.0, -3.0, 0.5, 1.0, 1.1) == [None, None, None, None, 1.0]


def test_what_is_kept_does_not_change_with_the_weights() -> None:
    rollback, changing = Rollback(1), weights(0.0)
    rollback.report_evaluation(0.0, True, 0.0, changing)
    changing["weights"] += 1
    assert rollback.report_evaluation(50.0, False, 1.0, changing)
    assert rollback.kept["weights"].tolist() == [0.0] * 3


def test_once_the_task_was_solved_it_goes_back_when_most_of_a_batch_is_wrong() -> None:
    rollback = Rollback(3)
    assert not rollback.report_batch(batch(1.0))
    returns_of(rollback, 0.5)
    assert not rollback.report_batch(batch(1.0))
    returns_of(rollback, 0.0, 50.0)
    assert [rollback.report_batch(batch(wrong)) for wrong in (0.5, 0.51)] == [False, True]
    assert rollback.learning_rate_factor == 0.5
    without = Rollback(None)
    returns_of(without, 0.0)
    assert not without.report_batch(batch(1.0))


def test_a_batch_makes_it_go_back_once_an_evaluation() -> None:
    rollback = Rollback(3)
    returns_of(rollback, 0.0)
    assert [rollback.report_batch(batch(1.0)) for _ in range(3)] == [True, False, False]
    returns_of(rollback, 50.0)
    assert [rollback.report_batch(batch(1.0)) for _ in range(3)] == [True, False, False]


def test_few_sequences_say_nothing() -> None:
    rollback = Rollback(3)
    returns_of(rollback, 0.0)
    assert [rollback.report_batch(batch(1.0, sequences)) for sequences in (1, 7, 8)] == [False, False, True]


def test_what_never_had_most_sequences_right_is_not_lost_when_most_are_wrong() -> None:
    """As where small errors count as solved: of N-grams, or of a task of one's own whose errors are distances."""
    rollback = Rollback(3)
    rollback.report_evaluation(0.05, True, 0.11, weights(0.0))
    assert not rollback.report_batch(batch(1.0))
    rollback.report_evaluation(0.05, True, 0.1, weights(1.0))
    assert rollback.report_batch(batch(1.0))


def test_a_restored_rollback_does_the_same() -> None:
    rollback, other = Rollback(3), Rollback(3)
    returns_of(rollback, 0.5, 50.0, 50.0, 50.0, 50.0)
    other.load_tensors(rollback.tensors())
    assert other.learning_rate_factor == rollback.learning_rate_factor == 0.5
    assert returns_of(other, 50.0, 50.0) == returns_of(rollback, 50.0, 50.0) == [None, 0.0]
    assert not other.report_batch(batch(1.0))
    returns_of(rollback, 0.0)
    for goes_back in (True, False):
        again = Rollback(3)
        again.load_tensors(rollback.tensors())
        assert again.report_batch(batch(1.0)) == rollback.report_batch(batch(1.0)) == goes_back


def evaluated(errors: float) -> Score:
    """An evaluation with this many errors in every sequence."""
    right = float(errors == 0)
    return Score((3,), 8, errors, 0.0, errors, 0.0, right, right, errors)


@pytest.fixture
def learner() -> Learner:
    """A learner after its first step."""
    learner = Learner(tiny_config(optimizer="stable_adam", lr=0.1, batch_size=8, rollback_patience=1))
    learner.train_step(1)
    return learner


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("weights", (4,), "shape"),
        ("weights", (), "shape"),
        ("optimizer.exp_avg", (4,), "a number or shape"),
    ],
)
def test_tensors_of_another_model_are_refused(
    name: str, shape: tuple[int, ...], expected: str, learner: Learner
) -> None:
    learner.report_evaluation(evaluated(0.5))
    tensors = learner.tensors()
    tensors[f"rollback.{name}"] = torch.zeros(shape)
    said = f"rollback.{name}: expected {expected} ({learner.weights.numel()},), not {shape}"
    with pytest.raises(RuntimeError, match=f"^{re.escape(said)}$"):
        Learner(learner.config).load_tensors(tensors)


def test_a_missing_moment_is_named(learner: Learner) -> None:
    learner.report_evaluation(evaluated(0.5))
    tensors = learner.tensors()
    del tensors["rollback.optimizer.exp_avg_sq"]
    with pytest.raises(RuntimeError, match=r"^rollback\.optimizer\.exp_avg_sq: expected a tensor, which is missing$"):
        Learner(learner.config).load_tensors(tensors)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([0.0] * 4, "expected shape (6,), not (4,)"),
        ([0.0] * 5 + [math.inf], "expected counts that are whole numbers, not inf"),
        ([0.0] * 5 + [math.nan], "expected counts that are whole numbers, not nan"),
        ([0.0] * 4 + [-1.0, 0.0], "expected counts that are whole numbers, not -1.0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(numbers: list[float], said: str) -> None:
    rollback = Rollback(3)
    returns_of(rollback, 0.5)
    with pytest.raises(RuntimeError, match=f"^{re.escape('rollback.numbers: ' + said)}$"):
        Rollback(3).load_tensors({**rollback.tensors(), "numbers": torch.tensor(numbers)})


@pytest.mark.parametrize("missing", ["weights", "numbers"])
def test_a_missing_tensor_is_named(missing: str) -> None:
    rollback = Rollback(3)
    returns_of(rollback, 0.5)
    tensors = rollback.tensors()
    del tensors[missing]
    with pytest.raises(RuntimeError, match=rf"^rollback\.{missing}: expected a tensor, which is missing$"):
        Rollback(3).load_tensors(tensors)


def test_a_learner_that_goes_back_has_the_weights_and_the_moments_of_then_and_half_the_learning_rate(
    learner: Learner,
) -> None:
    before, rate = {name: tensor.clone() for name, tensor in learner.tensors().items()}, learner.learning_rate(4)
    learner.report_evaluation(evaluated(0.5))
    learner.train_step(2)
    learner.report_evaluation(evaluated(5.0))
    changed = {name for name, tensor in learner.tensors().items() if name in before and (tensor != before[name]).any()}
    assert changed > {"optimizer.exp_avg", "optimizer.exp_avg_sq", "optimizer.step", "model.cell.readout.weight"}
    learner.report_evaluation(evaluated(5.1))
    after = learner.tensors()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert learner.learning_rate(4) == rate / 2
    for step in (2, 3):
        learner.train_step(step)
    assert not torch.equal(learner.tensors()["optimizer.exp_avg"], before["optimizer.exp_avg"])
    learner.report_evaluation(evaluated(5.1))
    after = learner.tensors()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())  # what is kept did not change


def test_a_learner_goes_back_at_a_step_where_most_sequences_are_wrong_and_then_only(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.report_evaluation(evaluated(0.0))
    before, shares = learner.weights.detach().clone(), iter([0.5, 0.6])
    report_batch = learner.rollback.report_batch
    monkeypatch.setattr(learner.rollback, "report_batch", lambda _: report_batch(batch(next(shares))))
    learner.train_step(2)
    assert not torch.equal(learner.weights, before)
    learner.train_step(3)
    assert torch.equal(learner.weights, before)
    assert learner.rollback.returns == 1
    learner.train_step(4)
    assert not torch.equal(learner.weights, before)
    assert len(list(learner.take_metrics())) == 4


def lossy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every evaluation from the second on is far worse than the first."""
    report = Learner.report_evaluation

    def report_lost(learner: Learner, _: Score) -> None:
        report(learner, evaluated(99.0 if learner.rollback.kept else 0.5))

    monkeypatch.setattr(Learner, "report_evaluation", report_lost)


@pytest.mark.parametrize("curriculum", ["uniform", "naive"])
@pytest.mark.parametrize("last", [5, 7, 9, 10, 11])
def test_a_run_that_goes_back_resumes_exactly(
    last: int, curriculum: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    grows = {"threshold": 100.0} if curriculum == "naive" else {}
    changes = {"lr": 0.1, "rollback_patience": 2, "eval_every": 2, **grows}
    config = tiny_config(optimizer="stable_adam", curriculum=curriculum, **changes)
    lossy(monkeypatch)
    train(config, tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(config, tmp_path / "parts", should_stop=stop_after(last))
    resume(tmp_path / "parts")
    assert digests(tmp_path / "parts") == digests(tmp_path / "whole")
    rows = map(json.loads, (tmp_path / "whole" / METRICS).read_text().splitlines())
    rates = [row["learning_rate"] for row in rows]
    fresh = Learner(config)
    halvings = [1, 1, 1, 2, 2, 4]  # what is written before an evaluation is reported is the rate up to then
    assert rates == pytest.approx([fresh.learning_rate(2 * n + 2) / halving for n, halving in enumerate(halvings)])


@pytest.mark.parametrize("last", [4, 5, 6, 7, 10])
def test_a_run_that_goes_back_within_its_steps_resumes_exactly(
    last: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All evaluations are right, and of the steps those from 6 on are wrong: it goes back at 6 and at 9."""
    config = tiny_config(optimizer="stable_adam", lr=0.1, batch_size=8, rollback_patience=2, eval_every=4)
    report, step_of = Learner.report_evaluation, Learner.train_step
    now, returns, report_batch = [0], list[int](), Rollback.report_batch

    def train_step(learner: Learner, step: int) -> None:
        now[0], before = step, learner.rollback.returns
        step_of(learner, step)
        returns.extend([step] * (learner.rollback.returns - before))

    monkeypatch.setattr(Learner, "train_step", train_step)
    monkeypatch.setattr(Learner, "report_evaluation", lambda learner, _: report(learner, evaluated(0.0)))
    monkeypatch.setattr(Rollback, "report_batch", lambda rollback, _: report_batch(rollback, batch(now[0] >= 6)))
    train(config, tmp_path / "whole")
    assert returns == [6, 9]
    with pytest.raises(StoppedError):
        train(config, tmp_path / "parts", should_stop=stop_after(last))
    resume(tmp_path / "parts")
    assert digests(tmp_path / "parts") == digests(tmp_path / "whole")


def test_the_result_is_of_the_weights_that_are_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run does not go back after its last evaluation, which nothing would evaluate again."""
    config = tiny_config(optimizer="stable_adam", lr=0.1, rollback_patience=2, eval_every=2, steps=6)
    lossy(monkeypatch)
    result, learner = train(config, tmp_path), Learner(config)
    learner.model.load_state_dict(tapehead.load(tmp_path / WEIGHTS).state_dict())
    assert learner.evaluate(6, never_stop).errors == result.errors
