"""What is known of a run is what its files say now, and only the process that holds it is killed."""

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tapehead.experiments.engines import supervisor
from tapehead.experiments.engines.engine import Limits, State
from tapehead.experiments.engines.local import run_locally
from tapehead.experiments.grid import Grid
from tapehead.experiments.jobs import Job, find_jobs, hold, prepare, read_holder, write_failure, write_progress
from tapehead.experiments.records import gather
from tapehead.experiments.sweep import list_runs
from tapehead.experiments.worker import Order
from tapehead.training.errors import RunDirError
from tests.training.tiny import tiny_config, train

CONFIG = tiny_config("lstm")
GRID = Grid({"run": CONFIG}, ())
HOLD = """
import sys, time
from pathlib import Path
from tapehead.experiments.jobs import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def _work_through(job: Job, **limits: float) -> State:
    """Work through one run, and give where it stood last."""
    seen: dict[str, State] = {}
    run_locally([job], Limits(1, 0, **limits), on_change=seen.update, should_stop=lambda: None)
    return seen[job.name]


@contextmanager
def _process(code: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs this code, and has printed a line."""
    started = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        assert started.stdout.readline()
        yield started
    finally:
        started.kill()
        started.communicate()


def test_a_run_that_is_done_has_not_failed_whatever_an_earlier_sweep_said(tmp_path: Path) -> None:
    train(CONFIG, tmp_path / "run")
    (job,) = find_jobs(GRID, tmp_path)
    write_failure(job.path, "hangs", 3)
    assert [record.failed for record in gather([job])] == [""]
    state = list_runs(GRID, tmp_path)["run"]
    assert (state.status, state.cause) == ("done", "")


def test_a_failure_is_forgotten_when_the_run_is_done(tmp_path: Path) -> None:
    train(CONFIG, tmp_path / "run")
    (job,) = find_jobs(GRID, tmp_path)
    write_failure(job.path, "hangs", 3)
    assert _work_through(job).status == "done"
    assert job.failure() is None


def test_the_holder_of_a_run_is_the_process_that_works_on_it(tmp_path: Path) -> None:
    with _process(HOLD, str(tmp_path)) as worker:
        assert read_holder(tmp_path) == (worker.pid, platform.node())
    with hold(tmp_path):
        assert read_holder(tmp_path) != (worker.pid, platform.node())
    assert read_holder(tmp_path) is None


def test_only_the_holder_of_a_hanging_run_is_killed_though_it_reported_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "START_WITHIN", 0.3)
    (job,) = prepare(GRID, tmp_path)
    with _process("import time; print('here', flush=True); time.sleep(600)") as earlier:
        write_progress(job.path, step=1, phase="training", pid=earlier.pid, host=platform.node())
        with _process(HOLD, str(job.path)) as worker:
            state = _work_through(job, timeout=0.3)
            assert worker.wait(10) < 0
        assert earlier.poll() is None
    assert state.status == "failed"
    assert state.cause.startswith("hangs: no progress for 0.3 seconds")


def test_a_hanging_run_of_another_computer_fails_and_its_process_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "START_WITHIN", 0.3)
    (job,) = prepare(GRID, tmp_path)
    with _process(HOLD, str(job.path)) as worker:
        here = platform.node()
        monkeypatch.setattr(platform, "node", lambda: "another")
        state = _work_through(job, timeout=0.3)
        assert worker.poll() is None
    assert state.status == "failed"
    said = f"process {worker.pid} of {here} works on it, and cannot be stopped from here"
    assert state.cause.endswith(said)


def test_a_run_json_that_is_not_an_object_is_told_where_it_is_needed_and_else_ignored(tmp_path: Path) -> None:
    for name in ("foreign", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "foreign" / "run.json").write_text(json.dumps([1, 2]))
    assert [job.path for job in find_jobs(GRID, tmp_path)] == [tmp_path / "run"]
    (tmp_path / "run" / "run.json").write_text(json.dumps([1, 2]))
    with pytest.raises(RunDirError, match=r"run/run\.json: expected a run, or nothing, not a damaged file"):
        find_jobs(GRID, tmp_path)


def test_a_copy_of_a_run_in_the_place_of_another_is_named(tmp_path: Path) -> None:
    prepare(GRID, tmp_path)
    shutil.copytree(tmp_path / "run", tmp_path / "a copy")
    shutil.copytree(tmp_path / "run", tmp_path / "z copy")
    assert [job.path for job in find_jobs(GRID, tmp_path)] == [tmp_path / "run"]
    other = Grid({"run": replace(GRID.runs["run"], seed=9)}, ())
    with pytest.raises(RunDirError, match=r"run: holds another run than the grid's of that name; choose another --out"):
        find_jobs(other, tmp_path)


def test_a_worker_is_told_its_device(tmp_path: Path) -> None:
    order = Order(tmp_path, (), 7, "cuda:1")
    assert Order.from_words(order.to_words()) == order
