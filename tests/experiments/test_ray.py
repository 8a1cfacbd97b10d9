"""A sweep on Ray, some of whose processes and actors are killed, ends as if every run had been done alone."""

import os
import signal
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tapehead.experiments.records import read_records
from tests.experiments.toy_grids import kill_holder, read_progress, start_sweep, sweep, train_serially, write_grid
from tests.training.tiny import digests

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed; `make test-ray` installs it"),
]
RAY = ("--engine", "ray", "--workers", "2")


def wait_for_steps(folder: Path, name: str) -> Path:
    """Wait until a run has taken some training steps."""
    path, until = folder / "runs" / name, time.monotonic() + 120
    while read_progress(path).get("step", 0) == 0:
        assert time.monotonic() < until
        time.sleep(0.05)
    return path


def parent_of(pid: int) -> int:
    """Find the process that a process belongs to."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_what_is_lost_is_done_again_and_what_fails_is_told(tmp_path: Path) -> None:
    write_grid(tmp_path, steps=1500, ok=3, fail=1)
    serial = train_serially(tmp_path)
    process = start_sweep(tmp_path, *RAY)
    try:
        first = wait_for_steps(tmp_path, "Toy-ntm-mode-ok-seed-0")
        os.kill(parent_of(read_progress(first)["pid"]), signal.SIGKILL)  # the actor; Ray ends the worker with it
        assert kill_holder(wait_for_steps(tmp_path, "Toy-ntm-mode-ok-seed-1"))
    finally:
        assert process.wait(300) == 1, (tmp_path / "err.txt").read_text()
    records = {record.name: record for record in read_records(tmp_path / "runs" / "records.jsonl")}
    assert {name: digests(tmp_path / "runs" / name) for name in records if "-ok-" in name} == serial
    assert "told to fail" in records["Toy-ntm-mode-fail-seed-0"].failed


def test_a_signal_stops_all_runs_saved_and_the_local_engine_goes_on(tmp_path: Path) -> None:
    write_grid(tmp_path, steps=1500, ok=2)
    serial = train_serially(tmp_path)
    process = start_sweep(tmp_path, *RAY)
    first = wait_for_steps(tmp_path, "Toy-ntm-seed-0")
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 128 + signal.SIGINT
    assert list((first / "checkpoints").iterdir())
    assert sweep(tmp_path, "--workers", "2")["status"] == 0
    assert {name: digests(tmp_path / "runs" / name) for name in serial} == serial
