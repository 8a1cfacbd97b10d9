"""A run that is killed, however often and wherever, ends as if nothing had happened."""

import random
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from tapehead.training.config import RunConfig
from tapehead.training.run_dir import METRICS, read_rows
from tests.processes import PROCESSES
from tests.training.tiny import digests, tiny_config, train_and_die, train_in_process, train_or_resume, undisturbed

pytestmark = pytest.mark.reliability(9)

KILLED = -9
IN_A_SAVE = ("replace", "fsync", "unlink", "ftruncate")
LONGER = {"steps": 100, "eval_every": 20}


def started(target: Any, *arguments: Any) -> BaseProcess:
    process = PROCESSES.Process(target=target, args=arguments)
    process.start()
    return process


def kill_at_random_times(config: RunConfig, path: Path, kills: int, longest: float, seed: int) -> int:
    """Kill and begin again until that many kills were survived or the run is done; say how many kills there were."""
    drawn = random.Random(seed)
    for killed in range(kills):
        process = started(train_in_process, config, path)
        process.join(drawn.uniform(0, longest))
        process.kill()
        process.join()
        if process.exitcode != KILLED:
            return killed
    return kills


def crash_points(config: RunConfig, path: Path, calls: list[int]) -> None:
    """Die at each of these calls of what a save is made of, and go on each time."""
    expected = undisturbed(config, path / "undisturbed")
    for call in calls:
        folder = path / str(call)
        process = started(train_and_die, config, folder, call, IN_A_SAVE)
        process.join()
        assert process.exitcode in {KILLED, 0}
        train_or_resume(config, folder)
        assert digests(folder) == expected
        assert not list(folder.rglob("*.part")), "what a crash left behind is cleared away"


def test_a_run_killed_inside_a_save_ends_as_the_undisturbed_one(tmp_path, record_property):
    record_property("cases", len(calls := list(range(0, 40, 3))))
    crash_points(tiny_config(), tmp_path, calls)


@pytest.mark.slow
def test_a_run_killed_at_every_step_of_every_save_ends_as_the_undisturbed_one(tmp_path, record_property):
    record_property("cases", 50)
    crash_points(tiny_config(), tmp_path, list(range(50)))


def test_a_run_killed_again_and_again_ends_as_the_undisturbed_one(tmp_path, record_property):
    record_property("cases", 3)
    config = tiny_config(**LONGER)
    begun = time.monotonic()
    expected = undisturbed(config, tmp_path / "undisturbed")
    took = time.monotonic() - begun
    kill_at_random_times(config, tmp_path / "killed", kills=3, longest=took / 2, seed=1)
    train_or_resume(config, tmp_path / "killed")
    assert digests(tmp_path / "killed") == expected


@pytest.mark.slow
def test_two_hundred_kills_change_nothing(tmp_path, record_property):
    record_property("cases", 200)
    config, kills = tiny_config(**LONGER), 0
    begun = time.monotonic()
    expected = undisturbed(config, tmp_path / "undisturbed")
    took = time.monotonic() - begun
    attempt = 0
    while kills < 200:
        attempt += 1
        folder = tmp_path / str(attempt)
        kills += kill_at_random_times(config, folder, kills=10, longest=took / 3, seed=attempt)
        train_or_resume(config, folder)
        assert digests(folder) == expected
        steps = [row["step"] for row in read_rows(folder / METRICS)]
        assert steps == list(range(20, 101, 20)), "no row of the metrics is lost or doubled"
