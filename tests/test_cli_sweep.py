"""tapehead sweep: its options, what it prints, and its errors; what it does is in tests/experiments."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tapehead.experiments.grid import load_grid
from tapehead.experiments.records import read_records
from tapehead.experiments.sweep import list_runs
from tapehead.training import config
from tapehead.training.optimizers import make_optimizer
from tests.command_line import tapehead, tapeheads
from tests.experiments.toy_grids import write_grid


def test_a_sweep_lists_its_runs_and_writes_nothing(tmp_path: Path) -> None:
    write_grid(tmp_path, ok=2, steps=40)
    table, said = tapeheads([["sweep", "grid.py", "--list"], ["sweep", "grid.py", "--list", "--json"]], tmp_path)
    assert (table.status, table.err) == (0, "")
    assert table.out.splitlines()[-1] == "2 waiting"
    assert "Toy-ntm-seed-0  waiting  0/40" in table.out
    assert json.loads(said.out) == {
        "out": "runs/sweep-grid",
        "runs": {
            f"Toy-ntm-seed-{seed}": {"status": "waiting", "step": 0, "steps": 40, "phase": "", "cause": ""}
            for seed in (0, 1)
        },
    }
    assert not (tmp_path / "runs").exists()


def test_a_sweep_trains_evaluates_and_says_what_came_of_it(tmp_path: Path) -> None:
    write_grid(tmp_path, ok=2)
    (said,) = tapeheads([["sweep", "grid.py", "--out", "here", "--workers", "2", "--device", "cpu"]], tmp_path)
    assert said.status == 0, said.err
    assert "Toy: the last evaluation of training" in said.out
    assert "ntm, 2 runs" in said.out
    assert said.out.splitlines()[-1] == "files: here/records.jsonl, here/tables.md, here/plots"
    assert "Toy-ntm-seed-1: done" in said.err
    assert (tmp_path / "here" / "Toy-ntm-seed-0" / "log.txt").read_text() == "", "there is nothing to warn of"
    environments = [record.environment for record in read_records(tmp_path / "here" / "records.jsonl")]
    assert [(one["from_step"], one["fingerprint"]["device"]) for one in environments] == [(0, "cpu"), (0, "cpu")]
    pictures = {path.name for path in (tmp_path / "here" / "plots").iterdir()}
    assert pictures == {f"{name}.{end}" for name in ("learning_curve", "generalization") for end in ("png", "svg")}
    assert (
        (tmp_path / "here" / "tables.md").read_text().startswith("## Toy: the last evaluation of training\n\n| model |")
    )
    (listed,) = tapeheads([["sweep", "grid.py", "--out", "here", "--list"]], tmp_path)
    assert listed.out.splitlines()[-1] == "2 done"


def test_what_was_recorded_elsewhere_is_not_run_again(tmp_path: Path) -> None:
    write_grid(tmp_path, ok=1)
    (first,) = tapeheads([["sweep", "grid.py", "--out", "first"]], tmp_path)
    assert first.status == 0, first.err
    write_grid(tmp_path, ok=2)
    recorded = ["--recorded", "first/records.jsonl"]
    again, figure, drawn = tapeheads(
        [
            ["sweep", "grid.py", "--out", "second", *recorded],
            ["figure", "grid.py", "--out", "third", "--json", *recorded],
            ["figure", "grid.py", "--out", "none", "--json", "--no-train", *recorded],
        ],
        tmp_path,
    )
    assert "ntm, 2 runs" in again.out
    for out in ("second", "third"):
        assert {path.parent.name for path in (tmp_path / out).glob("*/run.json")} == {"Toy-ntm-seed-1"}
    assert json.loads(figure.out)["done"] == 2
    assert json.loads(drawn.out)["done"] == 1
    both = ["--recorded", "first/records.jsonl", "second/records.jsonl"]
    nothing, missing = tapeheads(
        [["sweep", "grid.py", "--out", "last", *both], ["sweep", "grid.py", "--recorded", "nowhere"]], tmp_path
    )
    assert nothing.status == 0
    assert "ntm, 2 runs" in nothing.out
    assert not list((tmp_path / "last").glob("*/run.json"))
    assert missing.err == "tapehead: --recorded: nowhere: No such file or directory\n"


def test_what_is_wrong_with_a_sweep_is_told_in_a_line(tmp_path: Path) -> None:
    lines = {
        "GRID: expected one of": ["cpoy"],
        "--workers: expected a whole number from 1 to": ["copy", "--workers", "0"],
        "--retries: expected a whole number from 0 to": ["copy", "--retries", "-1"],
        "--timeout: expected a finite number of seconds > 0, not 'soon'": ["copy", "--timeout", "soon"],
        "--worker: this command has no such option (did you mean --workers?)": ["copy", "--worker", "2"],
        "--engine: expected one of 'local', 'ray', not 'rya' (did you mean ray?)": ["copy", "--engine", "rya"],
        "device: expected auto, cpu, cuda or cuda:N, not 'warp'": ["copy", "--device", "warp"],
        "the following arguments are required: GRID": [],
    }
    for expected, words in lines.items():
        said = tapehead("sweep", *words)
        assert (said.status, said.out, said.err.count("\n")) == (2, "", 1), said
        assert said.err.startswith(f"tapehead: {expected}")


def test_a_directory_that_holds_another_run_is_not_touched(tmp_path: Path) -> None:
    write_grid(tmp_path, ok=1, steps=40)
    assert tapeheads([["sweep", "grid.py", "--out", "here"]], tmp_path)[0].status == 0
    write_grid(tmp_path, ok=1, steps=50)
    (said,) = tapeheads([["sweep", "grid.py", "--out", "here"]], tmp_path)
    other = "tapehead: here/Toy-ntm-seed-0: holds another run than the grid's of that name; choose another --out\n"
    assert (said.status, said.err) == (2, other)


def test_a_grid_of_many_runs_is_read_quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is alike in all runs is checked once, and every recipe is configured once."""
    made: list[dict[str, Any]] = []

    def count(factory: Any, weights: Any, options: dict[str, Any]) -> Any:
        made.append(options)
        return make_optimizer(factory, weights, options)

    monkeypatch.setattr(config, "make_optimizer", count)
    (tmp_path / "grid.py").write_text(
        "from tapehead.training.recipes import configure\n"
        "RUNS = tuple(configure('copy', seed=seed, changes={'steps': 10 + seed}) for seed in range(200))\n"
    )
    grid = load_grid(str(tmp_path / "grid.py"))
    assert len(list_runs(grid, tmp_path)) == 200
    assert len(made) <= 4


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_a_sweep_on_ray_without_ray_says_what_to_install() -> None:
    said = tapehead("sweep", "copy", "--engine", "ray", "--list")
    assert (said.status, said.err) == (
        1,
        "tapehead: this needs ray, which is not installed: pip install 'tapehead[ray]'\n",
    )
