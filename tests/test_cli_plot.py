"""tapehead plot draws what runs have recorded, for every task and every model, and of several runs what they share."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from tapehead.cli import plot
from tapehead.cli._commands import COMMANDS
from tapehead.cli.doctor import EXTRAS
from tapehead.experiments.curves import draw_records, group
from tapehead.experiments.records import Record, record_run
from tapehead.models import MODELS
from tapehead.training.errors import StoppedError
from tapehead.training.run_dir import append_rows, read_rows
from tests.command_line import tapehead, tapeheads
from tests.training.tiny import TINY_TASKS, stop_after, tiny_config, train

MEMORY = {"memory_use", "weightings", "memory", "at_work"}
BOOKKEEPING = {"allocation", "links"}
SMALL_MEMORY = {"memory_slots": 5, "memory_width": 3}


def _run(path: Path, task: str = "copy", model: str = "lstm", **changes: Any) -> Path:
    train(tiny_config(model, task=task, **((SMALL_MEMORY if model == "dnc" else {}) | changes)), path)
    return path


def _evaluation(**changes: Any) -> dict[str, Any]:
    row = {"seed": 1, "step": 12, "memory_slots": None, "length": 3, "sequences": 8, "errors": 1.0, "bits": 2.0}
    row |= {"errors_standard_error": 0.25, "bits_standard_error": 0.5, "optimal_bits": None, "gap_bits": None}
    return row | changes


def _record(path: Path) -> Record:
    return record_run(path, name=str(path), most_points=None)


def _records(*paths: Path) -> dict[str, Figure]:
    return draw_records([_record(path) for path in paths])


def _drawn(figure: Figure, panel: int, name: str) -> np.ndarray:
    (found,) = (line for line in figure.axes[panel].lines if line.get_label() == name)
    return found.get_xydata()


@pytest.mark.parametrize(
    ("task", "model"),
    [
        pytest.param(task, model, marks=[] if model == "ntm" or task == "copy" else pytest.mark.slow)
        for task in TINY_TASKS  # all strings are drawn alike
        for model in MODELS
    ],
)
def test_every_task_and_every_model_has_its_pictures(task: str, model: str, tmp_path: Path) -> None:
    _run(tmp_path, task, model)
    pictures = _records(tmp_path) | plot.draw_model(tmp_path, None)
    expected = {"learning_curve", "predictions" if task == "ngrams" else "sequence"}
    expected |= MEMORY if model in ("ntm", "dnc") else set()
    expected |= BOOKKEEPING if model == "dnc" else set()
    expected |= {"sorting"} if task == "priority_sort" and model in ("ntm", "dnc") else set()
    assert set(pictures) == expected
    for figure in pictures.values():
        figure.draw_without_rendering()
        said = figure.get_suptitle()
        assert said.startswith(task.replace("_", " "))
        assert model in said


def test_several_heads_of_a_computer_have_their_pictures(tmp_path: Path) -> None:
    _run(tmp_path, model="dnc", read_heads=3, write_heads=2)
    pictures = plot.draw_model(tmp_path, (4,))
    assert [axes.get_title("left") for axes in pictures["allocation"].axes[1:3]] == [
        "allocation for write head 1",
        "allocation for write head 2",
    ]
    assert len(pictures["links"].subfigs[1].axes[0].get_yticklabels()) == 3 * 5


def test_all_of_a_run_s_pictures_are_written_where_it_is_told(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", "ngrams", "dnc")
    append_rows(
        run / "evaluations.jsonl", [_evaluation(length=length, memory_slots=5, gap_bits=1.0) for length in (8, 16)]
    )
    said = tapehead("plot", run, "--out", tmp_path / "pictures", "--json")
    written = [Path(path) for path in json.loads(said.out)["plots"]]
    names = {"learning_curve", "generalization", "predictions", *MEMORY, *BOOKKEEPING}
    assert {path.relative_to(tmp_path / "pictures") for path in written} == {
        Path(f"{name}.{suffix}") for name in names for suffix in ("png", "svg")
    }
    assert all(path.stat().st_size > 1000 for path in written)
    assert not (run / "plots").exists()


def test_a_learning_curve_is_of_the_recorded_evaluations(tmp_path: Path) -> None:
    rows = read_rows(_run(tmp_path) / "metrics.jsonl")
    figure = _records(tmp_path)["learning_curve"]
    for panel, column in enumerate(("eval_errors", "eval_bits")):
        expected = [[row["sequences"] / 1000, row[column]] for row in rows]
        np.testing.assert_array_equal(_drawn(figure, panel, "lstm, seed 1"), expected)
    assert [text.get_text() for text in figure.axes[0].texts] == ["solved: below 0.1", "guessing"]
    guessed = [[line.get_ydata()[0] for line in axes.lines if line.get_label()[0] == "_"] for axes in figure.axes[:2]]
    assert guessed == [[0.1, 12.0], [24.0]], "of 24 bits, 12 are wrong"
    losses = [[row["sequences"] / 1000, row["loss"]] for row in rows]
    np.testing.assert_array_equal(_drawn(figure, 2, "lstm, seed 1"), losses)


def test_a_learning_curve_of_n_grams_is_of_the_gap_and_nothing_is_solved(tmp_path: Path) -> None:
    rows = read_rows(_run(tmp_path, "ngrams") / "metrics.jsonl")
    figure = _records(tmp_path)["learning_curve"]
    gaps = [row["eval_bits"] - row["eval_optimal_bits"] for row in rows]
    np.testing.assert_array_equal(_drawn(figure, 0, "lstm, seed 1")[:, 1], gaps)
    assert not figure.axes[0].texts


def test_runs_that_differ_in_the_seed_only_are_one_line(tmp_path: Path) -> None:
    paths = [
        _run(tmp_path / f"{model}{seed}", model=model, seed=seed) for model in ("lstm", "rnn") for seed in (1, 2, 3)
    ]
    figure = _records(*paths[:4])["learning_curve"]
    errors = [[row["eval_errors"] for row in read_rows(path / "metrics.jsonl")] for path in paths[:3]]
    np.testing.assert_array_equal(_drawn(figure, 0, "lstm, 3 runs")[:, 1], np.median(errors, axis=0))
    assert [text.get_text() for text in figure.legends[0].texts] == ["lstm, 3 runs", "rnn, seed 1"]
    assert figure.get_suptitle() == "copy: 4 runs, median and range\nevaluations on 8 sequences of length 3"


def test_a_group_is_named_by_what_tells_it_from_others_of_its_model(tmp_path: Path) -> None:
    paths = [
        _run(tmp_path / "a", lr=0.01),
        _run(tmp_path / "b", lr=0.02),
        _run(tmp_path / "c", model="rnn", lr=0.03),
    ]
    assert list(group(list(map(_record, paths)))) == [
        "lstm, lr 0.01, seed 1",
        "lstm, lr 0.02, seed 1",
        "rnn, seed 1",
    ]
    far = _run(tmp_path / "d", hidden_size=3, batch_size=2, lr=0.02, loss_reduction="batchmean")
    assert list(group(list(map(_record, [paths[0], far])))) == [f"lstm, {path}, seed 1" for path in (paths[0], far)]


def test_runs_that_were_not_evaluated_are_not_said_to_be_drawn(tmp_path: Path) -> None:
    paths = [_run(tmp_path / str(seed), seed=seed) for seed in (1, 2)] + [_run(tmp_path / "rnn", model="rnn")]
    for path in paths[:2]:
        append_rows(path / "evaluations.jsonl", [_evaluation(length=size) for size in (3, 6)])
    assert (
        _records(*paths)["generalization"].get_suptitle()
        == "copy: lstm, 2 runs, median and range\n8 sequences of each size"
    )


def test_a_group_is_named_by_what_its_task_is_told_and_others_are_not(tmp_path: Path) -> None:
    paths = [_run(tmp_path / "a", max_length=3), _run(tmp_path / "b", model="rnn", max_length=4)]
    assert list(group(list(map(_record, paths)))) == ["lstm, max length 3, seed 1", "rnn, max length 4, seed 1"]


def test_generalization_is_of_the_last_evaluation_of_every_size_and_tape(tmp_path: Path) -> None:
    _run(tmp_path, model="ntm")
    rows = [
        _evaluation(length=3, memory_slots=5, step=8, bits=99.0),
        _evaluation(length=3, memory_slots=5, bits=98.0),
        *(_evaluation(length=length, memory_slots=5, bits=2.0 * length) for length in (3, 6)),
        *(_evaluation(length=length, memory_slots=9, bits=1.0 * length) for length in (6, 9)),
        _evaluation(length=3, memory_slots=5, sequences=4, bits=97.0),  # fewer of them
        {"from": "another version"},
    ]
    append_rows(tmp_path / "evaluations.jsonl", rows)
    bits = _records(tmp_path)["generalization"].axes[1]
    drawn = {line.get_label(): line.lines[0].get_xydata().tolist() for line in bits.containers}
    assert drawn == {"5 memory slots": [[3, 6], [6, 12]], "9 memory slots": [[6, 6], [9, 9]]}
    bar = bits.containers[0].lines[2][0].get_paths()[0].vertices
    np.testing.assert_array_equal(bar, [[3, 5.5], [3, 6.5]])


def test_generalization_of_several_runs_is_their_median_where_all_were_tried(tmp_path: Path) -> None:
    paths = [_run(tmp_path / str(seed), seed=seed) for seed in (1, 2, 3)]
    for number, path in enumerate(paths):
        sizes = (3, 6, 9) if number else (3, 6)
        append_rows(path / "evaluations.jsonl", [_evaluation(length=size, bits=float(size + number)) for size in sizes])
    bits = _records(*paths)["generalization"].axes[1].containers[0]
    assert bits.lines[0].get_xydata().tolist() == [[3, 4], [6, 7]]
    np.testing.assert_array_equal(bits.lines[2][0].get_paths()[0].vertices, [[3, 3], [3, 5]])


def test_generalization_of_repeat_copy_has_an_axis_for_each_number(tmp_path: Path) -> None:
    _run(tmp_path, "repeat_copy")
    sizes = [(3, 2), (3, 4), (6, 2)]
    rows = [_evaluation(length=length, repeats=repeats, bits=float(length * repeats)) for length, repeats in sizes]
    append_rows(tmp_path / "evaluations.jsonl", rows)
    axes = _records(tmp_path)["generalization"].axes
    drawn = [[(line.get_label(), line.lines[0].get_xydata().tolist()) for line in one.containers] for one in axes[1::2]]
    assert drawn == [[("repeats 2", [[3, 6], [6, 12]])], [("length 3", [[2, 6], [4, 12]])]]
    assert [one.get_xlabel() for one in axes[1::2]] == ["length", "repeats"]


def test_where_training_ended_is_drawn_if_it_is_the_same_for_all(tmp_path: Path) -> None:
    paths = [_run(tmp_path / str(longest), max_length=longest) for longest in (3, 4)]
    for path in paths:
        append_rows(path / "evaluations.jsonl", [_evaluation(length=length) for length in (4, 8)])
    alone, together = (_records(*chosen)["generalization"] for chosen in (paths[:1], paths))
    assert [text.get_text() for text in alone.axes[0].texts] == ["trained up to here"]
    assert not together.axes[0].texts
    assert alone.get_suptitle() == "copy: lstm, seed 1, mean and standard error\n8 sequences of each size"


def test_a_single_size_makes_no_curve(tmp_path: Path) -> None:
    _run(tmp_path)
    append_rows(tmp_path / "evaluations.jsonl", [_evaluation()])
    assert set(_records(tmp_path)) == {"learning_curve"}


def test_the_pictures_of_several_runs_go_into_the_current_folder_unless_told_otherwise(tmp_path: Path) -> None:
    paths = [_run(tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    here, there = tapeheads([["plot", *paths], ["plot", *paths, "--out", "there"]], tmp_path)
    assert here.out.split() == ["plots/learning_curve.png", "plots/learning_curve.svg"]
    assert there.out.split() == ["there/learning_curve.png", "there/learning_curve.svg"]
    assert all((tmp_path / path).exists() for path in (here.out + there.out).split())


def test_pictures_have_the_formats_and_the_resolution_that_are_asked_for(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", model="ntm")
    said = tapehead("plot", run, "--format", "pdf", "png", "--dpi", "30", "--memory-slots", "40", "--json")
    written = [Path(path) for path in json.loads(said.out)["plots"]]
    assert {path.suffix for path in written} == {".pdf", ".png"}
    for path in written:
        if path.suffix == ".png":
            wide = int.from_bytes(path.read_bytes()[16:20], "big")
            assert wide == 7 * 30
        else:
            assert path.read_bytes().startswith(b"%PDF")
    assert said.err == ""
    assert "and the model has 5 slots: try --memory-slots" in tapehead("plot", run, "--format", "png").err
    wrong = tapehead("plot", run, "--format", "bmp")
    assert wrong.err.startswith("tapehead: --format: invalid choice: 'bmp'")


def test_what_cannot_be_drawn_is_told_in_a_line(tmp_path: Path) -> None:
    copy, recall = _run(tmp_path / "copy"), _run(tmp_path / "recall", "associative_recall")
    with pytest.raises(StoppedError):
        train(tiny_config("lstm", seed=2), tmp_path / "new", should_stop=stop_after(2))
    (tmp_path / "file").touch()
    lines = {
        "RUN: expected runs of one task, copy as in": [copy, recall],
        f"{tmp_path}/new: nothing is measured yet": [copy, tmp_path / "new"],
        f"{tmp_path}/nowhere: holds no run": [copy, tmp_path / "nowhere"],
        "--size: expected a single run": [copy, tmp_path / "new" / ".." / "copy", "--size", "3"],
        "--memory-slots: expected a single run": [copy, tmp_path / "new" / ".." / "copy", "--memory-slots", "3"],
        "--memory-slots: the model lstm has no memory": [copy, "--memory-slots", "3"],
        "the following arguments are required: RUN": [],
    }
    for expected, words in lines.items():
        said = tapehead("plot", *words)
        assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
        assert said.err.startswith(f"tapehead: {expected}")
    unwritable = tapehead("plot", copy, "--out", tmp_path / "file")
    assert (unwritable.status, unwritable.out) == (1, "")
    assert unwritable.err.startswith(f"tapehead: {tmp_path}/file: expected a directory, or a path that does not exist")


@pytest.mark.parametrize(
    ("names", "lines"),
    [(["weights.safetensors"], 1), (["metrics.jsonl"], 2), (["weights.safetensors", "metrics.jsonl"], 3)],
)
def test_what_is_damaged_is_warned_of_once(names: list[str], lines: int, tmp_path: Path) -> None:
    run = _run(tmp_path / "run")
    for name in names:
        (run / name).write_bytes(b"damaged")
    said = tapehead("plot", run)
    assert (said.status, said.err.count("\n")) == (0, lines), said
    assert [said.err.count(f"{name}: not what it was when the run finished") for name in names] == [1] * len(names)


def test_the_errors_of_a_task_of_symbols_are_of_symbols(tmp_path: Path) -> None:
    _run(tmp_path, "reverse")
    assert _records(tmp_path)["learning_curve"].axes[0].get_ylabel() == "symbol errors per sequence"
    sequence = plot.draw_model(tmp_path, (3,))["sequence"]
    assert sequence.axes[-1].get_title("left").startswith("wrong symbols: ")


def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    said = tapehead("plot", tmp_path, "--device", "warp")
    assert said == (2, "", "tapehead: device: expected auto, cpu, cuda or cuda:N, not 'warp'\n")


def test_the_doctor_knows_every_command_that_needs_a_module() -> None:
    assert EXTRAS["matplotlib"] == ["verify", "plot", "sweep", "figure", "suite"]
    assert {name: [module for module in EXTRAS if name in EXTRAS[module]] for name in COMMANDS} == {
        name: list(command.needs) for name, command in COMMANDS.items()
    }
