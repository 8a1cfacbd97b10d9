"""Suites: what their tables say, and that all of their runs have the same settings."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tapehead.experiments.figures import load_figure
from tapehead.experiments.grid import GRIDS, SUITES
from tapehead.experiments.records import Record, record_pending
from tapehead.experiments.suites import _scores as scores
from tapehead.experiments.suites import chomsky, groups, text
from tests.command_line import tapeheads

NAMES = [name for name in GRIDS if name.startswith(f"{SUITES}/")]


def with_rows(record: Record, rows: list[dict[str, Any]]) -> Record:
    """Let a run have ended with these evaluations."""
    row = {"step": 1, "memory_slots": None, "sequences": 4, "errors": 0.0, "bits": 0.0}
    result = {"step": 1, "seconds": 1.0, "solved_at_step": None, "errors": 0.0, "bits": 0.0, "gap_bits": None}
    return replace(record, result=result, evaluations=[row | one for one in rows])


def ended(name: str, rows: list[dict[str, Any]], **wanted: Any) -> list[Record]:
    """The records of a suite's runs of a task, all with the same evaluations."""
    runs = [config for config in load_figure(name).grid.runs.values() if config.task.name == wanted.get("task")]
    return [with_rows(record_pending(f"run-{number}", config), rows) for number, config in enumerate(runs)]


@pytest.mark.parametrize("name", NAMES)
def test_a_model_has_the_same_settings_for_all_problems_and_three_seeds_of_each(name: str) -> None:
    runs = load_figure(name).grid.runs.values()
    by_model: dict[str, set[str]] = {}
    seeds: dict[str, set[int]] = {}
    for config in runs:
        described = config.to_json()
        task, seed = described.pop("task"), described.pop("seed")
        model = scores.name_model(record_pending("run", config))
        by_model.setdefault(model, set()).add(json.dumps(described, sort_keys=True))
        seeds.setdefault(f"{task} {model}", set()).add(seed)
    assert all(len(settings) == 1 for settings in by_model.values())
    assert set(map(tuple, map(sorted, seeds.values()))) == {(71, 72, 73)}
    assert len(runs) == 3 * len(seeds)


def test_accuracy_is_the_mean_over_the_lengths_beyond_training() -> None:
    rows = [{"length": length, "accuracy": share} for length, share in ((40, 1.0), (60, 0.9), (100, 0.7), (500, 0.5))]
    (record, *_) = ended("suites/chomsky", rows, task="even_pairs")
    assert scores.accuracy_beyond(record) == pytest.approx(70)
    assert scores.accuracy(record) == 100
    assert scores.accuracy_beyond(replace(record, evaluations=[])) is None


def test_the_table_has_every_seed_and_the_numbers_of_others() -> None:
    rows = [{"length": 60, "accuracy": 0.5}]
    records = ended("suites/chomsky", rows, task="duplicate_string")
    (table,) = chomsky.tabulate(records)
    assert table.head == ("task", *scores.MODELS, "Tape-RNN", "Stack-RNN", "their LSTM", "Transformer")
    by_task = {row[0]: row[1:] for row in table.rows}
    assert list(by_task) == [name.replace("_", " ") for name in chomsky.NAMES]
    assert by_task["duplicate string"] == ("50.0, 50.0, 50.0",) * 5 + ("100.0", "52.8", "57.6", "52.8")
    assert by_task["even pairs"] == ("",) * 5 + ("100.0", "100.0", "100.0", "96.4")
    assert by_task["bucket sort"] == ("",) * 9


def test_problems_of_one_task_are_told_apart_by_their_options() -> None:
    records = ended("suites/groups", [{"length": 120, "accuracy": 0.25}], task="group_words")
    (table,) = groups.tabulate(records)
    assert [row[0] for row in table.rows] == ["C2", "C6", "S3"]
    assert all(row[1:] == ("25.0, 25.0, 25.0",) * 5 for row in table.rows)


def test_a_claim_is_checked_by_the_best_seed_or_by_the_median() -> None:
    problem = groups.PROBLEMS[0]
    runs = [record for record in ended("suites/groups", [], task="group_words") if problem.runs_of("NTM").are(record)]
    shares = (0.1, 0.8, 1.0)
    known = [
        with_rows(record, [{"length": 120, "accuracy": share}]) for record, share in zip(runs, shares, strict=True)
    ]
    best = scores.reaches([problem.runs_of("NTM")], 99.5, scores.accuracy_beyond, best=True)
    median = scores.reaches([problem.runs_of("NTM")], 99.5, scores.accuracy_beyond, best=False)
    assert best(known) == ("held", "1 of 1: C2 100.0")
    assert median(known) == ("did not hold", "0 of 1: C2 80.0")
    assert best([*known[:2], replace(known[2], result=None)]).verdict == "not known yet"
    assert best([*known[:2], replace(known[2], failed="why")]) == ("did not hold", "0 of 1: C2 80.0")
    assert best([]).verdict == "not known yet"


@pytest.mark.parametrize(("ntm", "verdict", "said"), [(2.04, "held", "+0.040"), (2.06, "did not hold", "+0.060")])
def test_a_language_model_is_compared_by_the_bits_of_a_character(ntm: float, verdict: str, said: str) -> None:
    bits = {"NTM": ntm, "NTM, feedforward": 4.0, "DNC": 3.0, "LSTM": 2.0, "RNN": 5.0}
    records = [
        with_rows(record, [{"length": 128, "bits_per_target": bits[scores.name_model(record)]}])
        for record in ended("suites/text", [], task="text")
    ]
    assert text.CLAIMS[0].check(records) == (verdict, said)
    (table,) = text.tabulate(records)
    assert table.rows == [("text", *(", ".join([f"{bits[model]:.3f}"] * 3) for model in scores.MODELS))]


def test_seeds_are_listed_from_the_best_on_and_those_that_failed_last() -> None:
    runs = [
        record
        for record in ended("suites/text", [], task="text")
        if text.PROBLEM.runs_of("NTM").are(record) or text.PROBLEM.runs_of("LSTM").are(record)
    ]
    measured = iter((2.5, 2.0, 2.25))
    records = [
        replace(record, failed="why", result=None)
        if record.model == "lstm" and record.seed == 72
        else with_rows(record, [{"length": 128, "bits_per_target": next(measured) if record.model == "ntm" else 3.0}])
        for record in runs
    ]
    (table,) = text.tabulate(records)
    assert table.head == ("task", "NTM", "LSTM")
    assert table.rows == [("text", "2.000, 2.250, 2.500", "3.000, 3.000, failed")]
    failed = [replace(record, failed="why", result=None) for record in records]
    assert text.CLAIMS[0].check(failed) == ("did not hold", "most runs failed")


OWN = """from tapehead.experiments.tables import Table
from tapehead.training.recipes import configure
SMALL = {"steps": 2, "eval_every": 2, "batch_size": 2, "eval_sequences": 2, "warmup_steps": 0}
RUNS = (configure("copy", "lstm", changes=SMALL | {"task": {"max_length": 3}, "model": {"hidden_size": 4}}),)
def tabulate(records):
    return RETURNED
"""


@pytest.mark.parametrize("returned", ["None", "[1]", "Table('a', ('b',), [])", "[Table('a', ('b',), [(1,)])]"])
def test_tables_of_one_s_own_that_are_none_are_told(returned: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN.replace("RETURNED", returned))
    (said,) = tapeheads([["suite", "own.py"]], tmp_path)
    expected = "tapehead: own.py: expected tabulate to return a list of Table with cells of text, not "
    assert (said.status, said.err.splitlines()[-1][: len(expected)]) == (2, expected)


def test_a_suite_of_one_s_own_has_its_table_in_json(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN.replace("RETURNED", "[Table('a', ('b',), [('c',)])]"))
    (said,) = tapeheads([["suite", "own.py", "--json"]], tmp_path)
    assert json.loads(said.out)["tables"] == [{"title": "a", "head": ["b"], "rows": [["c"]]}]


def test_the_models_of_text_have_about_as_many_parameters() -> None:
    runs = [config for config in text.RUNS if config.seed == 71]
    counts = [sum(parameter.numel() for parameter in config.make_model("meta").parameters()) for config in runs]
    assert max(counts) / min(counts) < 1.07


def test_the_command_takes_suites_and_figure_takes_none(tmp_path: Path) -> None:
    listed, unknown, other, none = tapeheads(
        [["suite", "--list", "--json"], ["suite", "chomski"], ["figure", "chomsky"], ["suite"]], tmp_path
    )
    assert list(json.loads(listed.out)) == [name.removeprefix("suites/") for name in NAMES]
    short = ", ".join(name.removeprefix("suites/") for name in NAMES)
    expected = f"tapehead: NAME: expected one of {short}, or the path of a Python file"
    assert unknown.err == f"{expected}, not 'chomski' (did you mean chomsky?)\n"
    assert other.err.startswith("tapehead: NAME: expected one of associative_recall, ")
    assert none.err == f"{expected}\n"
    assert [said.status for said in (listed, unknown, other, none)] == [0, 2, 2, 2]
