"""Every figure is trained and drawn at toy size, and drawn again from its records alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tapehead.experiments.evaluations import evaluate_missing
from tapehead.experiments.figures import Figure, load_figure, tabulate, tabulate_claims, write_figure
from tapehead.experiments.grid import GRIDS, SUITES, Grid
from tapehead.experiments.records import Record, read_records, record_pending, record_run, select_records, write_records
from tapehead.training.components import Component
from tapehead.training.config import RunConfig
from tapehead.training.loaded_run import load_run
from tapehead.training.recipes import configure
from tests.command_line import tapeheads
from tests.training.tiny import TINY_STRINGS, TINY_TASKS, train

SMALL = {"hidden_size": 4, "num_layers": 1, "memory_slots": 8, "memory_width": 4}


def shrink(config: RunConfig) -> RunConfig:
    """Make a run of two steps of a small model on short sequences."""
    model = {name: SMALL.get(name, value) for name, value in config.model.options.items()}
    smaller = {"vocabulary": 80, "steps_per_pair": 4} if config.task.name == "mqar" else None
    task = config.task.options | (smaller or TINY_TASKS.get(config.task.name, TINY_STRINGS))
    return replace(
        config, steps=2, eval_every=1, batch_size=2, eval_sequences=2, warmup_steps=0, min_memory_slots=None,
        model=Component(config.model.name, model), task=Component(config.task.name, task),
    )  # fmt: skip


OF_A_SUITE = {"even_pairs", "reverse", "group_words", "mqar", "text"}
"""The tasks of suites that are tried."""


def at_toy_size(figure: Figure) -> Figure:
    """Shrink the runs of one seed of a figure; of a suite those of a few tasks, evaluated at few sizes."""
    first, is_suite = min(config.seed for config in figure.grid.runs.values()), figure.name.startswith(SUITES)
    runs = {
        name: shrink(config)
        for name, config in figure.grid.runs.items()
        if config.seed == first and (config.task.name in OF_A_SUITE or not is_suite)
    }
    evaluations = tuple(replace(one, sequences=2) for one in figure.grid.evaluations)
    if is_suite:
        sizes = tuple({config.make_task().max_size for config in runs.values()} | {(9,)})
        evaluations = tuple(replace(one, sizes=sizes, memory_slots=None) for one in evaluations)
    return figure._replace(grid=Grid(runs, evaluations))


def train_all(figure: Figure, folder: Path) -> list[Record]:
    """Do the runs of a figure."""
    for name, config in figure.grid.runs.items():
        train(config, folder / name)
        assert list(evaluate_missing(folder / name, load_run(folder / name, pytest.fail), figure.grid.evaluations))
    return [record_run(folder / name) for name in figure.grid.runs]


@pytest.mark.parametrize("name", [name for name in GRIDS if "/" in name])
def test_every_figure_is_drawn_and_checked_and_again_from_its_records(name: str, tmp_path: Path) -> None:
    figure = at_toy_size(load_figure(name))
    records = select_records(figure.grid, train_all(figure, tmp_path / "runs"))
    assert [record.name for record in records] == list(figure.grid.runs)
    (table, *others), pictures = write_figure(figure, records, tmp_path / "first")
    assert all(ours for _, _, ours, _ in table.rows)
    assert {path.suffix for path in pictures} == {".png", ".svg"}
    write_records(tmp_path / "records.jsonl", records)
    again = select_records(figure.grid, read_records(tmp_path / "records.jsonl"))
    assert [tabulate_claims(figure, again), *tabulate(figure, again)] == [table, *others]
    assert again == records


def test_figures_are_files_with_claims_and_a_title() -> None:
    for name in GRIDS:
        figure = load_figure(name)
        assert figure.title.isprintable()
        assert figure.claims
        assert len({claim.text for claim in figure.claims}) == len(figure.claims)


OWN = '''"""A figure of one's own."""
from tapehead.experiments.claims import Claim, Runs, never_nan
from tapehead.training.recipes import configure

SMALL = {"steps": 4, "eval_every": 2, "batch_size": 2, "eval_sequences": 2, "warmup_steps": 0}
SMALLER = {"task": {"max_length": 3}, "model": {"hidden_size": 4}}
RUNS = tuple(configure("copy", "lstm", seed=seed, changes=SMALL | SMALLER) for seed in (1,))
CLAIMS = (Claim("no NaN", "", never_nan(Runs("LSTM", lambda record: True))),)
'''


def test_a_figure_of_one_s_own_is_trained_drawn_and_checked(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    draw = ["figure", "own.py", "--out", "out"]
    before, done, after, recorded = tapeheads(
        [
            [*draw, "--no-train"],
            draw,
            [*draw, "--no-train", "--json"],
            ["figure", "own.py", "--out", "other", "--records", "out/records.jsonl"],
        ],
        tmp_path,
    )
    assert [said.status for said in (before, done, after, recorded)] == [0, 0, 0, 0], done.err
    assert "A figure of one's own (0 of 1 run)" in before.out
    assert "not known yet" in before.out
    assert "A figure of one's own (1 of 1 run)" in done.out
    assert "0 of 4 training steps in 1 run" in done.out
    assert done.out.splitlines()[-1] == "files: out/claims.md, out/plots"
    said = json.loads(after.out)
    held = {"claim": "no NaN", "theirs": "", "verdict": "held", "ours": "0 of 4 training steps in 1 run"}
    assert (said["done"], said["runs"], said["claims"]) == (1, 1, [held])
    written = [path.relative_to(tmp_path / "other") for path in (tmp_path / "other").rglob("*.*")]
    assert len(written) == 3
    for path in written:
        assert (tmp_path / "other" / path).read_bytes() == (tmp_path / "out" / path).read_bytes()


def test_what_is_wrong_with_a_figure_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "claims.py").write_text(OWN + "CLAIMS = ('no NaN',)")
    (tmp_path / "draw.py").write_text(OWN + "draw = 3")
    (tmp_path / "check.py").write_text(OWN.replace('never_nan(Runs("LSTM", lambda record: True))', "lambda _: 1 / 0"))
    (tmp_path / "own.py").write_text(OWN)
    write_records(tmp_path / "other.jsonl", [record_pending("other", configure("copy"))])
    lines = {
        "NAME: expected one of associative_recall, copy, ngrams, priority_sort": [],
        "NAME: expected one of associative_recall, copy, ngrams": ["collier2018/cpoy"],
        "claims.py: expected CLAIMS[0] to be of type Claim, not 'no NaN'": ["claims.py"],
        "draw.py: expected draw to be a function, not int": ["draw.py"],
        "check.py, line 8: expected the check of 'no NaN' to return, not an error: ZeroDivisionError: division by": [
            "check.py",
            "--no-train",
        ],
        "NAME: nothing.py: no such file": ["nothing.py"],
        "--records: expected records of runs of own.py, but none of 1 record is of one": [
            "own.py",
            "--records",
            "other.jsonl",
        ],
        "nothing.jsonl: No such file or directory": ["own.py", "--records", "nothing.jsonl"],
    }
    for said, expected in zip(
        tapeheads([["figure", *words] for words in lines.values()], tmp_path), lines, strict=True
    ):
        status = 1 if "nothing.jsonl" in expected else 2
        assert (said.status, said.out, said.err.count("\n")) == (status, "", 1), said
        assert said.err.startswith(f"tapehead: {expected}")
