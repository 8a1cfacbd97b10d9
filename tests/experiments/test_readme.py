"""The README's tables are written from records; what is missing is told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tapehead.experiments.grid import GRIDS, load_grid
from tapehead.experiments.labels import identify
from tapehead.experiments.readme import SIZES, add_records, tabulate_bench, tabulate_learned, tabulate_task, with_tables
from tapehead.experiments.records import read_records, record_run, write_records
from tests.training.tiny import tiny_config, train

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
MARKS = "".join(f"<!-- table: {name} -->\n<!-- end of {name} -->\n" for name in ("bench", "goals", "learned", *SIZES))


def test_tables_are_put_between_their_marks_and_nothing_else_is_touched() -> None:
    text = with_tables(f"before\n{MARKS}after\n", RESULTS)
    assert text.startswith("before\n<!-- table: bench -->\n| shape |")
    assert text.endswith("<!-- end of associative_recall -->\nafter\n")
    assert with_tables(text, RESULTS) == text


def test_a_readme_without_marks_is_told() -> None:
    with pytest.raises(ValueError, match="expected the marks once: <!-- table: bench -->"):
        with_tables("nothing", RESULTS)


def _timing(shape: str, backend: str, step_ms: float) -> dict[str, Any]:
    numbers = {"forward_ms": 1.0, "ratio": 8.0, "gflops": 9.0, "share_of_peak": 0.5, "difference": 0.0, "peak_mb": 3.0}
    return {"shape": shape, "backend": backend, "step_ms": step_ms, **numbers}


def test_a_kernel_is_set_beside_the_reference_wherever_each_of_them_stands() -> None:
    timings = [
        _timing("copy", "cpp", 2.0),
        _timing("copy", "compiled", 9.0),
        _timing("copy", "reference", 16.0),
        _timing("sort", "reference", 4.0),
    ]
    table = tabulate_bench({"environment": {}, "repeats": 1, "timings": timings})
    assert table.rows == [("copy", "16.0", "2.00", "8.0", "9", "50%", "3, 3")]


def test_a_task_without_a_place_in_the_tables_is_left_out() -> None:
    record = read_records(RESULTS / "records.jsonl")[0]
    other = replace(record, config=record.config | {"task": {"name": "reverse", "options": {}}})
    assert tabulate_learned([record, other]) == tabulate_learned([record])
    assert tabulate_task(record.task, [record, other]) == tabulate_task(record.task, [record])


def test_records_of_a_sweep_replace_those_of_the_same_run_and_of_older_settings(tmp_path: Path) -> None:
    runs = {"a": (1, 12), "b": (2, 12), "c": (2, 9), "d": (3, 12)}
    for name, (seed, steps) in runs.items():
        train(tiny_config("lstm", seed=seed, steps=steps), tmp_path / name)
    a, b, c, d = (replace(record_run(tmp_path / name, name="same"), recipe="tapehead") for name in runs)
    write_records(tmp_path / "records.jsonl", [a, c])
    write_records(tmp_path / "new.jsonl", [b, d])
    add_records(tmp_path, [tmp_path / "new.jsonl"])
    kept = read_records(tmp_path / "records.jsonl")
    assert sorted((record.seed, record.config["steps"]) for record in kept) == [(1, 12), (2, 12), (3, 12)]


def test_every_recorded_run_says_what_it_was_and_what_it_ran_on() -> None:
    of_grids = {
        identify(config.to_json()) for name in GRIDS if "/" not in name for config in load_grid(name).runs.values()
    }
    for record in read_records(RESULTS / "records.jsonl"):
        assert record.recipe is not None or identify(record.config) in of_grids
        assert record.environment is not None
        assert record.result is not None
        assert record.evaluations
        assert record.curve or record.note
        assert json.loads(record.to_line())["config"]["seed"] == record.seed
