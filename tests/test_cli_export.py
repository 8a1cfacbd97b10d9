"""Runs and records come out as CSV, with every option, every point of the curves and every score."""

import csv
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from tapehead.experiments.export import write_csv
from tapehead.experiments.labels import flatten
from tapehead.experiments.records import record_run, write_records
from tapehead.training.run_dir import append_rows, read_config, read_rows
from tests.command_line import tapehead
from tests.training.tiny import tiny_config, train


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    """Two runs of different models, the first of which was evaluated."""
    folder = tmp_path_factory.mktemp("runs")
    for model in ("ntm", "rnn"):
        train(tiny_config(model), folder / model)
    row = {"seed": 1, "step": 12, "memory_slots": 5, "length": 3, "sequences": 8, "errors": 1.5, "bits": 2.0}
    append_rows(folder / "ntm" / "evaluations.jsonl", [row, row | {"length": 6}])
    return [folder / "ntm", folder / "rnn"]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_number_of_a_run_is_in_the_tables(runs, tmp_path):
    said = tapehead("export", *runs, "--out", tmp_path / "out")
    assert said.out.split() == [str(tmp_path / "out" / f"{name}.csv") for name in ("runs", "curves", "evaluations")]
    described, curves, evaluations = (read(Path(path)) for path in said.out.split())
    names = [row["run"] for row in described]
    assert len(set(names)) == 2
    for name, path, row in zip(names, runs, described, strict=True):
        result = json.loads((path / "result.json").read_text())
        assert (row["task"], row["model"], row["seed"]) == ("copy", path.name, "1")
        assert float(row["result.errors"]) == result["errors"]
        for option, value in flatten(read_config(path).to_json()).items():
            assert row[option] == ("" if value is None else str(value))
        expected = [{key: "" if value is None else str(value) for key, value in point.items()}
                    for point in read_rows(path / "metrics.jsonl")]  # fmt: skip
        assert [{key: point[key] for key in expected[0]} for point in curves if point["run"] == name] == expected
    assert [(row["run"], row["length"], row["errors"]) for row in evaluations] == [
        (names[0], "3", "1.5"), (names[0], "6", "1.5")
    ]  # fmt: skip


def test_records_are_exported_as_runs_are_and_each_run_once(runs, tmp_path):
    records = [record_run(path) for path in runs]
    write_records(tmp_path / "records.jsonl", records)
    twice = [tmp_path / "records.jsonl"] * 2
    said = tapehead("export", "--records", *twice, "--out", tmp_path / "out", "--json")
    (first, *_) = json.loads(said.out)["files"]
    assert [row["run"] for row in read(Path(first))] == ["ntm", "rnn"]


def test_runs_of_one_name_are_told_apart(runs, tmp_path):
    for number, path in enumerate(runs):
        write_records(tmp_path / f"{number}.jsonl", [record_run(path, name="same")])
    tapehead("export", "--records", tmp_path / "0.jsonl", tmp_path / "1.jsonl", "--out", tmp_path / "out")
    names = {row["run"] for row in read(tmp_path / "out" / "runs.csv")}
    assert names == {"same", "same-2"}


def test_runs_that_differ_in_the_seed_or_in_their_scores_only_are_all_there(runs, tmp_path):
    records = [record_run(runs[0], name="same"), record_run(runs[0], name="same")]
    records[1] = replace(records[1], evaluations=[])
    records.append(replace(records[0], config=records[0].config | {"seed": 2}))
    for number, record in enumerate(records):
        write_records(tmp_path / f"{number}.jsonl", [record])
    files = [tmp_path / f"{number}.jsonl" for number in range(3)]
    tapehead("export", "--records", *files, "--out", tmp_path / "out")
    assert [(row["run"], row["seed"]) for row in read(tmp_path / "out" / "runs.csv")] == [
        ("same", "1"), ("same-2", "1"), ("same-3", "2")
    ]  # fmt: skip
    assert len(read(tmp_path / "out" / "evaluations.csv")) == 4


def test_a_value_with_commas_quotes_or_line_ends_comes_back(tmp_path):
    odd = 'a, "b"\nc'
    write_csv(tmp_path / "odd.csv", [{"one": odd, "two": None}, {"three": 3}])
    assert read(tmp_path / "odd.csv") == [{"one": odd, "two": "", "three": ""}, {"one": "", "two": "", "three": "3"}]


def test_what_cannot_be_exported_is_told_in_a_line(tmp_path):
    lines = {
        "RUN: expected at least one run directory, or --records": [],
        f"{tmp_path}/nowhere: holds no run": [tmp_path / "nowhere"],
        f"--records: {tmp_path}/nowhere: No such file or directory": ["--records", tmp_path / "nowhere"],
    }
    for expected, words in lines.items():
        said = tapehead("export", *words)
        assert (said.status, said.out) == (2, "")
        assert said.err.startswith(f"tapehead: {expected}")


@pytest.mark.extras
def test_curves_are_written_for_tensorboard_where_it_is_installed(runs, tmp_path):
    said = tapehead("export", runs[0], "--out", tmp_path / "out", "--tensorboard")
    if find_spec("tensorboard") is None:
        missing = "this needs tensorboard, which is not installed: pip install 'tapehead[tensorboard]'"
        assert said == (1, "", f"tapehead: {missing}\n")
    else:
        (events,) = (tmp_path / "out" / "tensorboard").glob("*/events.out.tfevents.*")
        assert b"eval_errors" in events.read_bytes()
