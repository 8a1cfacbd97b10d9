"""What a run tells while it goes, and when it asks whether to stop."""

import math
import signal
from pathlib import Path

import pytest

from tapehead.training import loop
from tapehead.training.checkpoints import last_checkpoint
from tapehead.training.errors import StoppedError
from tapehead.training.learner import Learner
from tests.training.tiny import never, tiny_run, train


@pytest.mark.parametrize(
    ("told_after", "told_at"), [(-1.0, [*range(1, 13)]), (math.inf, [4, 5, 8, 10, 12])], ids=["always", "at pauses"]
)
def test_a_run_tells_how_far_it_is_when_it_is_time_and_at_every_pause(
    told_after: float, told_at: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "TOLD_AFTER", told_after)
    told: list[int] = []
    loop.train(
        tiny_run(), tmp_path, listen=lambda progress: told.append(progress.update), stop=never, checkpoint_every=4
    )
    assert told == told_at


@pytest.mark.parametrize("told_after", [-1.0, math.inf])
def test_it_asks_after_every_update(told_after: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "TOLD_AFTER", told_after)
    asked: list[None] = []
    train(tiny_run(), tmp_path, stop=lambda: asked.append(None))
    assert len(asked) == 12


def test_a_signal_during_an_evaluation_stops_the_run_right_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    come: list[int] = []
    evaluate = Learner.evaluate

    def interrupted(self: Learner, update: int):
        come.append(signal.SIGTERM)
        return evaluate(self, update)

    monkeypatch.setattr(Learner, "evaluate", interrupted)
    with pytest.raises(StoppedError):
        train(tiny_run(), tmp_path, stop=lambda: come[0] if come else None)
    checkpoint, _ = last_checkpoint(tmp_path / "checkpoints")
    assert checkpoint is not None
    assert checkpoint.update == 5
