"""Ctrl-C and SIGTERM: the run is saved within two seconds, nothing is lost, and the exit status says which it was."""

import json
import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tapehead.training.checkpoints import last_checkpoint
from tests.command_line import TINY_FLAGS, started
from tests.training.tiny import digests, resume

pytestmark = pytest.mark.reliability(10)

LONG = [*TINY_FLAGS, "--steps=100000", "--checkpoint-every=50000", "--eval-every=20"]
EVALUATING = [*TINY_FLAGS, "--steps=1000", "--eval-every=1", "--eval-sequences=20000"]
"""Nearly all the time goes into evaluations, each of which takes longer than a second."""
GRAVES = ["--model=lstm", "--recipe=graves2014", "--threads=1", "--steps=1000", "--eval-every=1"]
"""An evaluation of repeat copy with 320 sequences takes five seconds on one thread."""
STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130}


def interrupted(
    path: Path,
    number: signal.Signals,
    delay: float,
    flags: Sequence[str] = LONG,
    task: str = "copy",
    then: tuple[float, signal.Signals] | None = None,
) -> int:
    """Start a long run, send it a signal so many seconds after its first measurement; say where it then stands.

    A second signal follows the first so many seconds later.
    """
    process = started(["train", task, "--out", path, *flags], path.with_suffix(".err"))
    while not (path / "metrics.jsonl").exists() or not (path / "metrics.jsonl").stat().st_size:
        assert process.is_alive()
        time.sleep(0.01)
    time.sleep(delay)
    os.kill(process.pid, number)
    sent = time.monotonic()
    if then is not None:
        time.sleep(then[0])
        os.kill(process.pid, then[1])
    process.join()
    took = time.monotonic() - sent
    if then is not None and process.exitcode == STATUS[then[1]]:
        number = then[1]  # of two that wait to be noticed, Python tells the one with the lower number first
    assert process.exitcode == STATUS[number]
    assert took < 2
    said = path.with_suffix(".err").read_text().splitlines()[-1]
    saved, problems = last_checkpoint(path / "checkpoints")
    assert problems == []
    stopped = f"stopped by {number.name} after step {saved.step}, and saved"
    assert said == f"tapehead: {stopped}; go on with `tapehead resume {path}`"
    return saved.step


@pytest.mark.parametrize("number", STATUS)
def test_a_signal_saves_the_run_and_tells_by_the_exit_status(number, tmp_path):
    step = interrupted(tmp_path / "run", number, 0.1)
    measured = [json.loads(line)["step"] for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert measured == list(range(20, step + 1, 20)), "no step is lost: all up to the checkpoint are accounted for"


def test_a_signal_during_an_evaluation_saves_the_run_before_it(tmp_path):
    step = interrupted(tmp_path / "run", signal.SIGTERM, 0.1, EVALUATING)
    measured = [json.loads(line)["step"] for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert measured == list(range(1, step)), "the evaluation after the last step is to be done again"


@pytest.mark.parametrize("first", STATUS)
@pytest.mark.parametrize("second", STATUS)
def test_a_second_signal_at_once_changes_nothing(first, second, tmp_path):
    for number, delay in enumerate((0.0, 0.002)):
        path = tmp_path / str(number)
        assert interrupted(path, first, 0.1, then=(delay, second)) > 0
        assert len(path.with_suffix(".err").read_text().splitlines()) == 1


@pytest.mark.reliability(10)
@pytest.mark.slow
@pytest.mark.parametrize("number", STATUS)
def test_ten_signals_during_evaluations_of_a_large_model(number, tmp_path, record_property):
    record_property("cases", 10)
    drawn = random.Random(number)
    for attempt in range(10):
        assert interrupted(tmp_path / str(attempt), number, drawn.uniform(0, 5), GRAVES, "repeat_copy") > 0


@pytest.mark.slow
@pytest.mark.parametrize("number", STATUS)
def test_fifty_signals_at_random_times(number, tmp_path, record_property):
    record_property("cases", 50)
    drawn = random.Random(number)
    for attempt in range(50):
        assert interrupted(tmp_path / str(attempt), number, drawn.uniform(0, 0.5)) > 0


def test_a_run_stopped_by_a_signal_goes_on_as_if_it_had_not_been(tmp_path):
    flags = [*TINY_FLAGS, "--steps=150", "--eval-every=20"]
    whole = started(["train", "copy", "--out", tmp_path / "whole", *flags], tmp_path / "err")
    stopped = started(["train", "copy", "--out", tmp_path / "stopped", *flags], tmp_path / "err2")
    while not (tmp_path / "stopped/metrics.jsonl").exists():
        time.sleep(0.01)
    os.kill(stopped.pid, signal.SIGTERM)
    whole.join()
    stopped.join()
    assert (whole.exitcode, stopped.exitcode) == (0, 143)
    resume(tmp_path / "stopped")
    assert digests(tmp_path / "stopped") == digests(tmp_path / "whole")
