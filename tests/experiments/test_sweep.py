"""A sweep in which processes are killed, fail and hang ends as if every run had been done alone (RELIABILITY 16)."""

import json
import os
import random
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tapehead.experiments.engines.supervisor import SAVE_WITHIN
from tapehead.experiments.jobs import is_held
from tapehead.experiments.records import read_records
from tapehead.training.run_dir import lock, read_rows
from tapehead.training.signals import SAVE_WITHIN as SIGNALS_ARE_ONE_WITHIN
from tests.experiments.toy_grids import kill_holder, read_progress, start_sweep, sweep, train_serially, write_grid
from tests.training.tiny import digests

FAILED = "Toy.sample: expected sequences, not an error: RuntimeError: told to fail"


class Killer:
    """Kills processes of runs, each run's once, at random times after it began to train."""

    def __init__(self, runs: Path, kills: int) -> None:
        self.runs, self.left, self.due, self.random = runs, kills, {}, random.Random(1)

    def strike(self) -> None:
        """Kill what is due."""
        for path in self.runs.glob("Toy-ntm-mode-ok-*"):
            if self.left and path not in self.due and read_progress(path).get("phase") == "training":
                self.due[path] = time.monotonic() + self.random.uniform(0, 0.8)
            if self.left and 0 < self.due.get(path, 0) < time.monotonic():
                training = is_held(path) and not (path / "result.json").exists()
                self.due[path] = 0
                self.left -= training and kill_holder(path)


def finished(runs: Path) -> dict[Path, int]:
    """The runs that are trained, and when each was."""
    return {path.parent: path.stat().st_mtime_ns for path in runs.glob("*/result.json")}


def survive(folder: Path, *, ok: int, fail: int, hang: int, kills: int, steps: int) -> None:
    """Sweep, kill processes and once the supervisor, and compare with the serial result."""
    write_grid(folder, steps=steps, ok=ok, fail=fail, hang=hang)
    runs, killer = folder / "runs", Killer(folder / "runs", kills)
    words = ("--workers", "4", "--retries", "1", "--timeout", "8")
    first = start_sweep(folder, *words)
    while len(finished(runs)) < ok // 3:
        assert first.poll() is None
        killer.strike()
        time.sleep(0.05)
    first.kill()
    first.wait()
    done_before = finished(runs)
    second = start_sweep(folder, *words)
    while second.poll() is None:
        killer.strike()
        time.sleep(0.05)
    assert second.returncode == 1, (folder / "err.txt").read_text()
    assert killer.left == 0, "as many were killed as were to be"
    compare(folder, done_before, ok=ok, fail=fail, hang=hang)


def compare(folder: Path, done_before: dict[Path, int], *, ok: int, fail: int, hang: int) -> None:
    """Every run that can end has its serial result, was done once and is recorded; of the others the cause is."""
    runs, expected = folder / "runs", train_serially(folder)
    assert len(expected) == ok
    assert {name: digests(runs / name) for name in expected} == expected
    assert done_before.items() <= finished(runs).items(), "what is done is not done again"
    records = {record.name: record for record in read_records(runs / "records.jsonl")}
    assert len(records) == ok + fail + hang
    for name in expected:
        places = [(row["length"], row["memory_slots"]) for row in records[name].evaluations]
        assert places == [(3, 8), (5, 8), (5, 16)], "every evaluation is done once"
    causes = [record.failed for record in records.values() if record.failed]
    assert causes.count(FAILED) == fail
    assert sum(cause.startswith("hangs: no progress for 8 seconds while training, step 0") for cause in causes) == hang
    assert len(causes) == fail + hang


@pytest.mark.reliability(16)
@pytest.mark.slow
def test_a_sweep_survives_kills_failures_a_hang_and_its_supervisor_s_death(tmp_path: Path) -> None:
    survive(tmp_path, ok=4, fail=1, hang=1, kills=2, steps=1500)


@pytest.mark.reliability(16)
@pytest.mark.slow
def test_a_hundred_runs_survive_thirty_kills(tmp_path: Path, record_property: Any) -> None:
    record_property("cases", 100)
    survive(tmp_path, ok=94, fail=5, hang=1, kills=30, steps=1500)


def recorded(folder: Path) -> dict[str, dict[str, Any]]:
    """The records of a sweep by the names of their runs, but for times and the environment."""
    records = {record.name: asdict(record) for record in read_records(folder / "runs/records.jsonl")}
    for record in records.values():
        del record["environment"], record["result"]["seconds"]
    return records


def steps_of(folder: Path) -> int:
    """The training steps that the processes of a sweep have told of."""
    return sum(read_progress(run).get("step", 0) for run in (folder / "runs").glob("Toy-*"))


@pytest.mark.slow
def test_a_grid_killed_with_all_its_processes_at_ten_random_moments_ends_with_the_same_records(tmp_path: Path) -> None:
    killed, alone, moments = tmp_path / "killed", tmp_path / "alone", random.Random(2)
    for folder in (killed, alone):
        folder.mkdir()
        write_grid(folder, ok=4, steps=40_000)
    for _ in range(10):
        supervisor, started = start_sweep(killed), time.monotonic()
        due = started + moments.uniform(0.5, 3)
        before = steps_of(killed)
        while steps_of(killed) == before or time.monotonic() < due:  # it has begun to train
            assert supervisor.poll() is None, "it is killed before it is done"
            time.sleep(0.05)
        supervisor.kill()
        supervisor.wait()
        for run in (killed / "runs").glob("Toy-*"):
            kill_holder(run)
    assert sweep(killed)["status"] == sweep(alone)["status"] == 0
    assert recorded(killed) == recorded(alone)


def test_what_is_done_is_skipped_and_a_grid_that_grows_goes_on(tmp_path: Path) -> None:
    write_grid(tmp_path, ok=1)
    assert sweep(tmp_path)["done"] == ["Toy-ntm-seed-0"]
    done, log = finished(tmp_path / "runs"), (tmp_path / "runs/Toy-ntm-seed-0/log.txt").read_bytes()
    records = (tmp_path / "runs/records.jsonl").read_bytes()
    write_grid(tmp_path, ok=2, fail=1)
    said = sweep(tmp_path, "--retries", "0")
    assert said["status"] == 1
    assert said["done"] == ["Toy-ntm-mode-ok-seed-1", "Toy-ntm-seed-0"]
    assert said["failed"] == {"Toy-ntm-mode-fail-seed-0": FAILED}
    assert done.items() <= finished(tmp_path / "runs").items()
    assert (tmp_path / "runs/Toy-ntm-seed-0/log.txt").read_bytes() == log
    assert records in (tmp_path / "runs/records.jsonl").read_bytes(), "the same run has the same record"


def test_a_run_that_diverges_would_do_so_again_and_is_not_retried(tmp_path: Path) -> None:
    write_grid(tmp_path, diverge=1)
    said = sweep(tmp_path, "--retries", "5")
    assert said["failed"].keys() == {"Toy-ntm-seed-0"}
    assert json.loads((tmp_path / "runs/Toy-ntm-seed-0/failed.json").read_text())["attempts"] == 1
    assert "nan" in said["failed"]["Toy-ntm-seed-0"]


def test_another_grid_in_the_same_directory_keeps_the_records_of_the_first(tmp_path: Path) -> None:
    write_grid(tmp_path, ok=1)
    sweep(tmp_path)
    first = read_records(tmp_path / "runs/records.jsonl")
    write_grid(tmp_path, steps=50, ok=1)
    grid = (tmp_path / "grid.py").read_text().replace("for seed in range(seeds)", "for seed in range(7, 7 + seeds)")
    (tmp_path / "grid.py").write_text(grid)
    sweep(tmp_path)
    records = read_records(tmp_path / "runs/records.jsonl")
    assert [record.name for record in records] == ["Toy-ntm-seed-0", "Toy-ntm-seed-7"]
    assert records[0] == first[0]
    assert "Toy-ntm-seed-0" not in sweep(tmp_path)["done"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_sweep_and_all_is_saved(number: signal.Signals, status: int, tmp_path: Path) -> None:
    write_grid(tmp_path, ok=1, steps=20000)
    process, run = start_sweep(tmp_path), tmp_path / "runs/Toy-ntm-seed-0"
    while read_progress(run).get("step", 0) < 200:  # past its first evaluation
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(60) == status
    last = (tmp_path / "err.txt").read_text().splitlines()[-1]
    assert last == "tapehead: stopped; the same command goes on from here"
    assert not is_held(run), "its processes are gone"
    saved = max(int(path.stem) for path in (run / "checkpoints").glob("*.json"))
    assert read_rows(run / "metrics.jsonl")[-1]["step"] == saved // 100 * 100, "no step is lost"
    assert not list((tmp_path / "runs").glob("*/result.json"))


@pytest.mark.slow
def test_a_second_ctrl_c_ends_a_process_that_does_not_react_to_the_first(tmp_path: Path) -> None:
    write_grid(tmp_path, hang=1)
    process, run = start_sweep(tmp_path), tmp_path / "runs/Toy-ntm-seed-0"
    while read_progress(run).get("phase") != "training":
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    until = time.monotonic() + 60
    while "stopping" not in (tmp_path / "err.txt").read_text() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(SIGNALS_ARE_ONE_WITHIN + 0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(SAVE_WITHIN / 2) == 130
    lines = (tmp_path / "err.txt").read_text().splitlines()
    assert lines[1:] == ["1 stopping; those stopping save first, and Ctrl-C again kills them", "tapehead: interrupted"]
    assert not is_held(run)


@pytest.mark.reliability(19)
def test_two_sweeps_do_not_work_in_one_directory(tmp_path: Path) -> None:
    write_grid(tmp_path, ok=1)
    (tmp_path / "runs").mkdir()
    with lock(tmp_path / "runs"):
        assert start_sweep(tmp_path).wait() == 2
    said = (tmp_path / "err.txt").read_text()
    assert said == f"tapehead: runs: in use by process {os.getpid()}, which is training there\n"


def test_a_process_whose_supervisor_is_gone_saves_and_stops(tmp_path: Path) -> None:
    write_grid(tmp_path, ok=1, steps=100_000)
    supervisor, run = start_sweep(tmp_path), tmp_path / "runs/Toy-ntm-seed-0"
    while read_progress(run).get("step", 0) == 0:
        assert supervisor.poll() is None
        time.sleep(0.05)
    supervisor.kill()
    supervisor.wait()
    until = time.monotonic() + 60
    while is_held(run) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_held(run)
    assert "stopped by SIGTERM" in (run / "log.txt").read_text()
    assert list((run / "checkpoints").glob("*.json"))


@pytest.mark.slow
def test_a_hanging_process_of_a_supervisor_that_is_gone_is_killed_by_the_next(tmp_path: Path) -> None:
    write_grid(tmp_path, hang=1)
    first, run = start_sweep(tmp_path), tmp_path / "runs/Toy-ntm-seed-0"
    while not read_progress(run):
        assert first.poll() is None
        time.sleep(0.05)
    first.kill()
    first.wait()
    said = sweep(tmp_path, "--retries", "0", "--timeout", "2")
    assert said["failed"]["Toy-ntm-seed-0"].startswith("hangs: no progress for")
    assert not is_held(run)
    assert os.path.exists(run / "failed.json")
