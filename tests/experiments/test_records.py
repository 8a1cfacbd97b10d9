"""Records hold what tables and pictures need, the same bytes for the same runs, and damage is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from tapehead.experiments.records import CURVE, MOST_POINTS, Record, read_records, record_run, write_records
from tapehead.training.run_dir import append_rows, read_json, read_rows
from tests.training.tiny import tiny_config, train

ROW = {"step": 12, "length": 3, "memory_slots": None, "sequences": 8, "errors": 1.0, "bits": 2.0}


def trained(path: Path, **changes: Any) -> Path:
    train(tiny_config("lstm", **changes), path)
    return path


def test_a_record_holds_all_that_is_known_of_a_run(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", seed=3)
    append_rows(run / "evaluations.jsonl", [ROW])
    record = record_run(run)
    assert record.config == tiny_config("lstm", seed=3).to_json()
    assert record.environment == read_json(run / "environment.json")[-1]
    assert record.result.items() <= read_json(run / "result.json").items()
    assert record.curve == [{name: row[name] for name in CURVE} for row in read_rows(run / "metrics.jsonl")]
    assert record.evaluations == [ROW]
    assert (record.name, record.task, record.model, record.seed) == ("run", "copy", "lstm", 3)
    assert (record.error_name, record.size_names, record.max_size) == ("bit errors", ["length"], [3])
    assert record.recipe is None, "a changed recipe is no recipe"


def test_what_is_written_is_read_back_and_sorted(tmp_path: Path) -> None:
    records = [record_run(trained(tmp_path / name, seed=seed)) for seed, name in ((1, "b"), (2, "a"))]
    write_records(tmp_path / "records.jsonl", records)
    assert read_records(tmp_path / "records.jsonl") == [records[1], records[0]]
    written = (tmp_path / "records.jsonl").read_bytes()
    write_records(tmp_path / "records.jsonl", reversed([record_run(tmp_path / name) for name in ("b", "a")]))
    assert (tmp_path / "records.jsonl").read_bytes() == written


def test_a_long_curve_is_recorded_at_points_that_do_not_depend_on_its_end(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", steps=120, eval_every=1)
    stopped = trained(tmp_path / "stopped", steps=120, eval_every=1, stop_when_solved=True, solved_below=12.0, seed=2)
    curves = [[point["step"] for point in record_run(run).curve] for run in (whole, stopped)]
    assert curves[0] == list(range(3, 121, 3))
    assert len(curves[0]) <= MOST_POINTS
    assert curves[1][:-1] == curves[0][: len(curves[1]) - 1]
    assert curves[1][-1] == read_json(stopped / "result.json")["step"] < 120


def _line(**changes: Any) -> bytes:
    components = {kind: {"name": "x", "options": {}} for kind in ("task", "model", "optimizer", "curriculum")}
    record = {
        "name": "run", "config": components | {"seed": 1}, "recipe": None, "error_name": "bit errors",
        "size_names": ["length"], "max_size": [3], "environment": None, "result": None, "curve": [], "evaluations": [],
    }  # fmt: skip
    return json.dumps({name: value for name, value in (record | changes).items() if value != "missing"}).encode()


DAMAGED = {
    b"{": "expected a record as JSON, but it cannot be parsed:",
    b"[]": "expected a JSON object, not list",
    _line(curve="missing"): "expected a field 'curve', which is missing",
    _line(curve=3): "curve: expected list, not 3",
    _line(curve=[3]): r"curve: expected a list of objects, not \[3\]",
    _line(colour="red"): "expected a field of a record, not 'colour'",
    _line(config={"seed": 1}): "config: expected task to have a name and options, not None",
}


@pytest.mark.parametrize("line", DAMAGED)
def test_a_damaged_line_is_told(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(_line() + b"\n" + line + b"\n")
    with pytest.raises(ValueError, match=f"records.jsonl, line 2: {DAMAGED[line]}"):
        read_records(path)


def test_an_undamaged_line_is_a_record(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(_line() + b"\n")
    assert isinstance(read_records(path)[0], Record)
