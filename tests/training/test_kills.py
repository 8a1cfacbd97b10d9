"""A run that is killed, however often and wherever, ends as if nothing had happened."""

import contextlib
import itertools
import random
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from tapehead.training.checkpoints import last_checkpoint
from tapehead.training.config import RunConfig
from tapehead.training.run_dir import CHECKPOINTS, METRICS, RESULT, read_rows
from tests.processes import PROCESSES, elsewhere
from tests.training.tiny import (
    digests,
    tiny_config,
    train_and_count,
    train_and_die,
    train_and_tell,
    train_or_resume,
    undisturbed,
)

pytestmark = pytest.mark.reliability(9)

KILLED = -9
IN_A_SAVE = ("replace", "fsync", "unlink", "ftruncate")
LONGER = {"steps": 100, "eval_every": 20}
MOST_STEPS, MOST_SECONDS = 40, 0.05
"""How long a process is left alone at most: so many training steps, then a moment, to hit what is between two steps."""


def started(target: Any, *arguments: Any) -> BaseProcess:
    process = PROCESSES.Process(target=target, args=arguments)
    process.start()
    return process


def is_killed_while_training(config: RunConfig, path: Path, drawn: random.Random) -> bool:
    """Begin or go on, and kill some training steps later; say whether that hit a run that was not done."""
    steps, writing = PROCESSES.Pipe(duplex=False)
    process = started(train_and_tell, config, path, writing)
    writing.close()
    with steps, contextlib.suppress(EOFError):  # which is the end of the process
        for _ in range(drawn.randint(1, MOST_STEPS)):
            steps.recv_bytes()
        process.join(drawn.uniform(0, MOST_SECONDS))
        process.kill()
    process.join()
    assert process.exitcode in {KILLED, 0}
    return process.exitcode == KILLED and not (path / RESULT).exists()


def kill_until_done(config: RunConfig, path: Path, most: int, drawn: random.Random) -> list[int]:
    """Kill a run so often, or until it is done; give the step of its last checkpoint at each kill, 0 if there is none.

    The run is then done, in one go.
    """
    resumed_from = []
    while len(resumed_from) < most and is_killed_while_training(config, path, drawn):
        checkpoint, problems = last_checkpoint(path / CHECKPOINTS)
        assert not problems
        resumed_from.append(checkpoint.step if checkpoint else 0)
    train_or_resume(config, path)
    steps = [row["step"] for row in read_rows(path / METRICS)]
    assert steps == list(range(20, 101, 20)), "no row of the metrics is lost or doubled"
    return resumed_from


def crash_points(config: RunConfig, path: Path, calls: list[int]) -> None:
    """Die at each of these calls of what a save is made of, and go on each time."""
    expected = undisturbed(config, path / "undisturbed")
    for call in calls:
        folder = path / str(call)
        process = started(train_and_die, config, folder, call, IN_A_SAVE)
        process.join()
        assert process.exitcode == KILLED, call
        train_or_resume(config, folder)
        assert digests(folder) == expected
        assert not list(folder.rglob("*.part")), "what a crash left behind is cleared away"


def test_a_run_killed_inside_a_save_ends_as_the_undisturbed_one(tmp_path, record_property):
    record_property("cases", len(calls := list(range(0, 40, 3))))
    crash_points(tiny_config(), tmp_path, calls)


@pytest.mark.slow
def test_a_run_killed_at_every_step_of_every_save_ends_as_the_undisturbed_one(tmp_path, record_property):
    config = tiny_config(steps=16)
    calls = elsewhere(train_and_count, config, tmp_path / "counted", IN_A_SAVE)
    assert calls >= 50
    record_property("cases", calls)
    crash_points(config, tmp_path, list(range(calls)))


def test_a_run_killed_again_and_again_ends_as_the_undisturbed_one(tmp_path, record_property):
    record_property("cases", 3)
    config = tiny_config(**LONGER)
    expected = undisturbed(config, tmp_path / "undisturbed")
    resumed_from = kill_until_done(config, tmp_path / "killed", 3, random.Random(1))
    assert digests(tmp_path / "killed") == expected
    assert len(resumed_from) == 3
    assert len(set(resumed_from)) > 1, resumed_from


@pytest.mark.slow
def test_two_hundred_kills_change_nothing(tmp_path, record_property):
    config, drawn = tiny_config(**LONGER), random.Random(1)
    expected = undisturbed(config, tmp_path / "undisturbed")
    resumed_from: list[int] = []
    folders = (tmp_path / str(number) for number in itertools.count())
    while len(resumed_from) < 200:
        folder = next(folders)
        resumed_from += kill_until_done(config, folder, 200 - len(resumed_from), drawn)
        assert digests(folder) == expected
    record_property("cases", len(resumed_from))
    assert len(set(resumed_from)) >= 10, "kills at all stages of a run"
    assert sum(step > 0 for step in resumed_from) > 150, resumed_from
