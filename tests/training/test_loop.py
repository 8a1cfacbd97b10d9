"""What a run reports while it goes, and when it asks whether to stop."""

import math
import signal
from pathlib import Path

import pytest

from tapehead.training import loop, session
from tapehead.training.errors import EvaluationStoppedError, StoppedError
from tapehead.training.evaluation import CHUNK, evaluate
from tests.training.tiny import digests, never, resume, tiny_config, train


@pytest.mark.parametrize(
    ("reported_after", "reported_at"),
    [(-1.0, [*range(1, 13)]), (math.inf, [4, 5, 8, 10, 12])],
    ids=["always", "at pauses"],
)
def test_a_run_reports_how_far_it_is_when_it_is_time_and_at_every_pause(
    reported_after: float, reported_at: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PROGRESS_AFTER", reported_after)
    reported: list[int] = []
    loop.train(
        tiny_config(),
        tmp_path,
        on_progress=lambda progress: reported.append(progress.step),
        should_stop=never,
        checkpoint_every=4,
    )
    assert reported == reported_at


@pytest.mark.parametrize("reported_after", [-1.0, math.inf])
def test_it_asks_after_every_step(reported_after: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PROGRESS_AFTER", reported_after)
    asked: list[None] = []
    train(tiny_config(), tmp_path, should_stop=lambda: asked.append(None))
    assert len(asked) == 12


def stop_at(call: int) -> loop.ShouldStop:
    """Stop at this call, whichever part of the training makes it."""
    calls = iter(range(1, 1_000_000))
    return lambda: signal.SIGTERM if next(calls) == call else None


@pytest.mark.reliability(10)
@pytest.mark.parametrize("curriculum", ["uniform", "naive"])
def test_a_run_stopped_in_the_middle_of_an_evaluation_ends_as_the_undisturbed_one(
    curriculum: str, tmp_path: Path
) -> None:
    growing = {"threshold": 100.0, "max_length": 6} if curriculum == "naive" else {}
    config = tiny_config("lstm", curriculum=curriculum, steps=4, eval_every=3, eval_sequences=2 * CHUNK, **growing)
    calls: list[None] = []
    train(config, tmp_path / "undisturbed", should_stop=lambda: calls.append(None))
    assert len(calls) >= 4 + 2, "after every step, and once in every evaluation"
    for call in range(1, len(calls)):
        path = tmp_path / str(call)
        with pytest.raises(StoppedError):
            train(config, path, should_stop=stop_at(call))
        resume(path)
        assert digests(path) == digests(tmp_path / "undisturbed")


@pytest.mark.reliability(10)
def test_an_evaluation_may_be_stopped_again_and_again(tmp_path: Path) -> None:
    config = tiny_config("lstm", steps=4, eval_every=3, eval_sequences=3 * CHUNK)
    train(config, tmp_path / "undisturbed")
    with pytest.raises(StoppedError, match="after step 3, and saved"):
        train(config, tmp_path / "stopped", should_stop=stop_at(3))
    for _ in range(3):
        with pytest.raises(StoppedError, match="after step 3, and saved"):
            resume(tmp_path / "stopped", should_stop=stop_at(2))
    resume(tmp_path / "stopped")
    assert digests(tmp_path / "stopped") == digests(tmp_path / "undisturbed")


def test_a_stopped_evaluation_of_a_trained_model_gives_no_score() -> None:
    config = tiny_config("lstm")
    with pytest.raises(EvaluationStoppedError, match="stopped by SIGTERM during an evaluation") as caught:
        evaluate(config.make_model(), config.make_task(), (3,), 3 * CHUNK, 1, should_stop=stop_at(2))
    assert caught.value.status == 143
