"""The trained models of the package are loaded by name, and are as good as the runs that made them."""

import json
import shutil
from pathlib import Path

import pytest
import torch

import tapehead
from tapehead.experiments.labels import find_recipe
from tapehead.experiments.sorting import look_at_sorting
from tapehead.pretrained import NAMES, find_pretrained
from tapehead.training.evaluation import evaluate
from tapehead.training.loaded_run import load_run
from tapehead.training.restore import finished_result
from tests.command_line import tapeheads

FARTHEST = {
    "copy-ntm": 0.0,
    "repeat_copy-ntm": 0.0,
    "associative_recall-ntm": 0.1,
    "priority_sort-ntm": 1.0,
    "ngrams-ntm": 0.5,
}
"""Errors, or bits above the best possible, on 64 sequences of the largest size of training, others than in its run."""


@pytest.mark.parametrize("name", NAMES)
def test_a_pretrained_model_is_a_finished_run_of_a_recipe_and_does_what_it_learned(name: str) -> None:
    path = find_pretrained(name)
    loaded = load_run(path, pytest.fail)
    assert finished_result(path) is not None
    assert f"{loaded.config.task.name}-{loaded.config.model.name}" == name
    assert find_recipe(loaded.config) == "tapehead"
    assert evaluate(loaded.model, loaded.task, loaded.task.max_size, 64, seed=1).distance() <= FARTHEST[name]


def test_the_pretrained_model_that_sorts_does_it_in_reading_as_the_page_says() -> None:
    loaded = load_run(find_pretrained("priority_sort-ntm"), pytest.fail)
    found = look_at_sorting(loaded, loaded.task, 20)
    assert found.by_priority < 0.01
    assert min(found.by_time, found.in_order) > 0.99


def test_a_pretrained_model_is_loaded_by_name() -> None:
    model = tapehead.pretrained("copy-ntm", backend="reference")
    inputs = torch.rand(5, 2, 9)
    expected, _ = load_run(find_pretrained("copy-ntm"), pytest.fail).model(inputs)
    torch.testing.assert_close(model(inputs)[0], expected, rtol=1e-4, atol=1e-4)


def test_all_of_them_are_small_and_one_that_is_not_there_is_told_with_the_nearest() -> None:
    files = [path for name in NAMES for path in find_pretrained(name).iterdir()]
    assert sum(path.stat().st_size for path in files) < 3e6
    with pytest.raises(ValueError, match=r"name: expected one of .*, not 'copy_ntm' \(did you mean copy-ntm\?\)"):
        tapehead.pretrained("copy_ntm")


def test_commands_take_a_copy_of_a_pretrained_run_and_leave_the_package_alone(tmp_path: Path) -> None:
    before = {path.name for path in find_pretrained("copy-ntm").iterdir()}
    evaluate_it = ["evaluate", "pretrained:copy-ntm", "--sizes", "20", "--sequences", "4", "--json"]
    first, again, unknown, none = tapeheads(
        [evaluate_it, evaluate_it, ["plot", "pretrained:cpoy-ntm"], ["plot", "pretrained:"]], tmp_path
    )
    assert [said.status for said in (first, again, unknown, none)] == [0, 0, 2, 2], first.err
    assert none.err.startswith("tapehead: RUN: expected one of 'associative_recall-ntm'")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["pretrained-copy-ntm"]
    assert json.loads(first.out)["run"] == "runs/pretrained-copy-ntm"
    assert json.loads(first.out)["scores"] == json.loads(again.out)["scores"]
    assert unknown.err.startswith("tapehead: RUN: expected one of 'associative_recall-ntm'")
    assert {path.name for path in find_pretrained("copy-ntm").iterdir()} == before
    assert (tmp_path / "runs" / "pretrained-copy-ntm" / "evaluations.jsonl").exists()


def test_another_run_in_the_place_of_the_copy_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs" / "pretrained-copy-ntm").mkdir(parents=True)
    (said,) = tapeheads([["evaluate", "pretrained:copy-ntm"]], tmp_path)
    expected = "expected a copy of pretrained:copy-ntm in runs/pretrained-copy-ntm, not something else; move it away"
    assert (said.status, said.err) == (2, f"tapehead: RUN: {expected}\n")


def test_a_damaged_copy_and_a_folder_that_cannot_be_written_to_are_told(tmp_path: Path) -> None:
    copy = tmp_path / "runs" / "pretrained-copy-ntm"
    shutil.copytree(find_pretrained("copy-ntm"), copy)
    (copy / "metrics.jsonl").write_text("")
    (damaged,) = tapeheads([["evaluate", "pretrained:copy-ntm"]], tmp_path)
    expected = f"metrics.jsonl of the copy in {copy.relative_to(tmp_path)} is damaged; remove that directory, and it is"
    assert (damaged.status, damaged.err) == (2, f"tapehead: RUN: {expected} copied again\n")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "runs").write_text("a file where a folder should be")
    (unwritable,) = tapeheads([["evaluate", "pretrained:copy-ntm"]], tmp_path / "taken")
    expected = "tapehead: pretrained:copy-ntm: is copied to runs/pretrained-copy-ntm first, for what is written into it"
    assert (unwritable.status, unwritable.err.count("\n")) == (1, 1)
    assert unwritable.err.startswith(expected)
