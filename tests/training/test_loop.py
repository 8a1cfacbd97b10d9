"""What a run reports while it goes, and when it asks whether to stop."""

import math
import signal
from pathlib import Path

import pytest

from tapehead.training import loop
from tapehead.training.checkpoints import last_checkpoint
from tapehead.training.errors import StoppedError
from tapehead.training.step import Learner
from tests.training.tiny import never, tiny_config, train


@pytest.mark.parametrize(
    ("reported_after", "reported_at"),
    [(-1.0, [*range(1, 13)]), (math.inf, [4, 5, 8, 10, 12])],
    ids=["always", "at pauses"],
)
def test_a_run_reports_how_far_it_is_when_it_is_time_and_at_every_pause(
    reported_after: float, reported_at: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "PROGRESS_AFTER", reported_after)
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
    monkeypatch.setattr(loop, "PROGRESS_AFTER", reported_after)
    asked: list[None] = []
    train(tiny_config(), tmp_path, should_stop=lambda: asked.append(None))
    assert len(asked) == 12


def test_a_signal_during_an_evaluation_stops_the_run_right_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    come: list[int] = []
    evaluate = Learner.evaluate

    def interrupted(self: Learner, step: int):
        come.append(signal.SIGTERM)
        return evaluate(self, step)

    monkeypatch.setattr(Learner, "evaluate", interrupted)
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=lambda: come[0] if come else None)
    checkpoint, _ = last_checkpoint(tmp_path / "checkpoints")
    assert checkpoint is not None
    assert checkpoint.step == 5
